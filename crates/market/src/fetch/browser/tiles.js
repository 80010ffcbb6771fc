// What the result tiles of a search page show, of both generations (until and since September 2026). Only looks.
(() => {
  const text = (root, query) => root.querySelector(query)?.textContent ?? null;
  const label = (root, query) => root.querySelector(query)?.getAttribute("aria-label") ?? null;
  const tiles = [];
  for (const cell of document.querySelectorAll('[data-testid="item-cell"]')) {
    const link = cell.querySelector('a[data-testid="thumbnail-link"], a[href*="/item/"], a[href*="/shops/product/"]');
    if (!link) continue;
    tiles.push({
      href: link.getAttribute("href") ?? "",
      location: link.getAttribute("data-location"),
      name: text(cell, '[data-testid="thumbnail-item-name"]'),
      label: label(cell, ".merItemThumbnail"),
      price: text(cell, '[data-testid="item-tile-price"]') ?? text(cell, ".merPrice"),
      sticker: text(cell, '[data-testid="item-tile-sticker"]') || label(cell, '[data-testid="thumbnail-sticker"]'),
      image: cell.querySelector("img")?.getAttribute("src") ?? null,
    });
  }
  const root = document.scrollingElement ?? document.documentElement;
  return JSON.stringify({
    tiles,
    empty: document.querySelector('[data-testid="search-result-empty"], .merEmptyState') !== null,
    next: document.querySelector('[data-testid="pagination-next-button"]') !== null,
    bottom: root.scrollTop + window.innerHeight >= root.scrollHeight - 2,
  });
})()
