export interface Toast {
  id: number;
  tone: 'good' | 'bad' | 'plain';
  text: string;
  action?: { label: string; run: () => void };
}

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  show(text: string, tone: Toast['tone'] = 'plain', action?: Toast['action']): void {
    const id = this.#next++;
    this.list = [...this.list.slice(-3), { id, tone, text, action }];
    setTimeout(() => this.close(id), tone === 'bad' ? 10_000 : 5_000);
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
