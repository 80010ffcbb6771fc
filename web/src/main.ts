import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { i18n } from './i18n/index.svelte';
import { clock } from './state/clock.svelte';
import { prefs } from './state/prefs.svelte';
import { router } from './state/router.svelte';
import { session } from './state/session.svelte';

prefs.start();
clock.start();
router.start();

const target = document.getElementById('app');
if (target) {
  await Promise.all([i18n.use(prefs.firstLang()).catch(() => {}), session.load()]);
  mount(App, { target });
}
