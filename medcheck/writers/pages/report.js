// Starts the page: language, the way between list and case, keys.

function route() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.has('lang')) setLanguage(wanted.get('lang'));
  const id = wanted.get('case');
  showOnly(id === null ? 'report' : 'case');
  if (id === null) return showReport(wanted);
  return showWanted(findCase(id, wanted.get('suite')));
}

function showOnly(name) {
  for (const part of ['report', 'case']) document.getElementById(part).hidden = part !== name;
}

function showReport(wanted) {
  if (wanted.has('list')) chooseGroup(wanted.get('suite'), wanted.get('tag'));
  const place = wanted.has('list') ? 'cases' : location.hash.slice(1);
  if (['overview', 'usage', 'cases'].includes(place)) document.getElementById(place).scrollIntoView();
}

async function showWanted(one) {
  const host = document.getElementById('case');
  if (!one) {
    host.replaceChildren(label('no_case', 'p', { class: 'nothing' }), label('back', 'a', { href: '#cases', class: 'back' }));
    return;
  }
  await openCase(one);
  window.scrollTo(0, 0);
  host.focus({ preventScroll: true });
}

function pressed(event) {
  const typing = event.target.closest('input, select, textarea');
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inCase = !document.getElementById('case').hidden;
  if (event.key === 'Escape' && inCase) location.hash = '#cases';
  if (typing) return;
  if (event.key === '/' && !inCase && controls.search) {
    event.preventDefault();
    controls.search.focus();
  }
  if (inCase && event.key === 'j') document.getElementById('next')?.click();
  if (inCase && event.key === 'k') document.getElementById('previous')?.click();
}

/** On paper nothing can be unfolded. */
function openFolded() {
  for (const part of document.querySelectorAll('#case details')) part.open = true;
}

function remembered(chosen) {
  try {
    if (chosen) localStorage.setItem('medcheck-language', chosen);
    return localStorage.getItem('medcheck-language');
  } catch {
    return null; // A file opened from a disk may not have a storage.
  }
}

function chooseLanguage(chosen) {
  setLanguage(chosen);
  remembered(chosen);
  if (index) showPage();
}

async function start() {
  const own = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  const list = document.getElementById('list');
  setLanguage(remembered() ?? own);
  list.replaceChildren(label('loading', 'p', { class: 'nothing' }));
  for (const button of document.querySelectorAll('[data-language]')) {
    button.addEventListener('click', () => chooseLanguage(button.dataset.language));
  }
  try {
    await loadIndex();
    buildList();
    setLanguage(language);
    window.addEventListener('hashchange', () => guarded(route));
    document.addEventListener('keydown', pressed);
    window.addEventListener('beforeprint', openFolded);
    await route();
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
  } catch {
    showOnly('report');
    list.replaceChildren(label('need_browser', 'p', { class: 'banner bad' }));
  }
}

/** Say so where a block cannot be read, rather than show a page without it. */
async function guarded(action) {
  try {
    await action();
  } catch {
    document.getElementById('case').replaceChildren(label('need_browser', 'p', { class: 'banner bad' }));
  }
}

start();
