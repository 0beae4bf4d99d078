// The list of cases: search, filters, order, pages.

const PAGE_CASES = 50;
const ORDERS = ['position', 'worst', 'best', 'difference'];
let index = null; // entries, suites, tags, states and cases, as written by the report
let matching = []; // the cases that pass the filters, in the chosen order
let page = 0;
const controls = {};

async function loadIndex() {
  const raw = await unpack('index');
  const cases = raw.cases.map(readCase);
  index = { ...raw, cases };
  for (const one of cases) {
    const tags = one.tags.map((tag) => raw.tags[tag]);
    one.haystack = [one.id, raw.suites[one.suite], ...tags, ...one.category, one.excerpt]
      .join('\n').toLowerCase();
  }
}

function readCase([id, suite, tags, category, excerpt, places, cells], position) {
  const byEntry = new Map();
  for (const [entry, score, measured, total, states, flags] of cells) {
    byEntry.set(entry, { entry, score, measured, total, states, flags });
  }
  const scores = [...byEntry.values()].map((cell) => cell.score).filter((score) => score !== null);
  const spread = scores.length > 1 ? Math.max(...scores) - Math.min(...scores) : null;
  const mean = scores.length ? scores.reduce((sum, score) => sum + score, 0) / scores.length : null;
  return { id, suite, tags, category, excerpt, places, cells: byEntry, spread, mean, position };
}

function buildList() {
  const host = document.getElementById('list');
  controls.search = make('input', {
    type: 'search', 'data-t-hint': 'search', autocomplete: 'off', spellcheck: 'false', input: filterCases,
  });
  const several = index.entries.length > 1;
  controls.suite = picker('suite', index.suites.map((name, at) => [at, name]));
  controls.tag = picker('tag', tagChoices());
  controls.model = picker('model', index.entries.map((name, at) => [at, name]));
  controls.state = picker('state', usedStates().map((at) => [at, label(`state_${index.states[at]}`, 'option')]));
  controls.outcome = picker('outcome', Object.keys(FLAGS).map((name) => [name, label(`outcome_${name}`, 'option')]));
  const orders = several ? ORDERS : ORDERS.slice(0, 3);
  controls.order = make('select', { change: filterCases }, orders.map((name) =>
    label(`sort_${name}`, 'option', { value: name })));
  controls.count = make('p', { class: 'count', role: 'status', 'aria-live': 'polite' });
  controls.table = make('table', { class: 'cases' });
  controls.pages = make('div', { class: 'pages' });
  host.replaceChildren(
    make('form', { class: 'filters', role: 'search', submit: (event) => event.preventDefault() },
      make('div', { class: 'field grow' }, controls.search),
      index.suites.length > 1 && field('suite', controls.suite),
      field('tag', controls.tag),
      several && field('model', controls.model),
      field('state', controls.state),
      field('outcome', controls.outcome),
      field('sort', controls.order),
      label('reset', 'button', { type: 'button', class: 'quietbutton', click: resetFilters })),
    controls.count, controls.table, controls.pages);
  filterCases();
}

function field(key, control) {
  return make('label', { class: 'field' }, label(key), control);
}

function picker(name, choices) {
  const options = choices.map(([value, content]) => {
    const option = typeof content === 'string' ? make('option', {}, content) : content;
    option.value = String(value);
    return option;
  });
  return make('select', { change: filterCases, 'data-filter': name },
    label('all', 'option', { value: '' }), options);
}

function tagChoices() {
  const counts = new Array(index.tags.length).fill(0);
  for (const one of index.cases) for (const tag of one.tags) counts[tag] += 1;
  return index.tags.map((name, at) => [at, `${name} (${counts[at]})`, name])
    .sort((a, b) => (a[2] < b[2] ? -1 : 1)).map(([at, text]) => [at, text]);
}

function usedStates() {
  const used = new Set();
  for (const one of index.cases) for (const cell of one.cells.values()) cell.states.forEach((s) => used.add(s));
  return [...used].sort((a, b) => a - b);
}

function resetFilters() {
  for (const control of [controls.suite, controls.tag, controls.model, controls.state, controls.outcome]) {
    control.value = '';
  }
  controls.search.value = '';
  controls.order.value = 'position';
  filterCases();
}

/** Show the cases of a group of the overview. */
function chooseGroup(suite, tag) {
  resetFilters();
  const at = (names, name) => (name !== null && names.includes(name) ? String(names.indexOf(name)) : '');
  controls.suite.value = at(index.suites, suite);
  controls.tag.value = at(index.tags, tag);
  filterCases();
}

function filterCases() {
  const words = controls.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = (control) => (control.value === '' ? null : Number(control.value));
  const [suite, tag, model, state] = ['suite', 'tag', 'model', 'state'].map((name) => chosen(controls[name]));
  const flag = FLAGS[controls.outcome.value] || 0;
  const cellFits = (cell) => (model === null || cell.entry === model)
    && (state === null || cell.states.includes(state)) && (!flag || (cell.flags & flag) !== 0);
  matching = index.cases.filter((one) => (suite === null || one.suite === suite)
    && (tag === null || one.tags.includes(tag))
    && [...one.cells.values()].some(cellFits)
    && words.every((part) => one.haystack.includes(part)));
  matching.sort(order(controls.order.value, model));
  page = 0;
  showPage();
}

/** Compare two cases; those without a score come last, whatever the direction. */
function order(name, model) {
  const score = (one) => (model === null ? one.mean : one.cells.get(model)?.score ?? null);
  const key = name === 'difference' ? (one) => one.spread : score;
  const sign = name === 'worst' ? 1 : -1;
  if (name === 'position') return (a, b) => a.position - b.position;
  return (a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === null || right === null) return (left === null) - (right === null) || a.position - b.position;
    return sign * (left - right) || a.position - b.position;
  };
}

function showPage() {
  const pages = Math.max(1, Math.ceil(matching.length / PAGE_CASES));
  const rows = matching.slice(page * PAGE_CASES, (page + 1) * PAGE_CASES);
  controls.count.replaceChildren(
    make('b', {}, String(matching.length)), ' ', label('of'), ` ${index.cases.length} `, label('cases_found'));
  controls.table.replaceChildren(...(rows.length ? [listHead(), make('tbody', {}, rows.map(listRow))]
    : [make('tbody', {}, make('tr', {}, label('empty_list', 'td', { class: 'nothing' })))]));
  const turn = (key, step) => label(key, 'button', {
    type: 'button',
    disabled: page + step < 0 || page + step >= pages,
    click: () => { page += step; showPage(); document.getElementById('cases').scrollIntoView(); },
  });
  controls.pages.replaceChildren(...(pages > 1 ? [turn('previous', -1),
    make('span', {}, label('page'), ` ${page + 1} / ${pages}`), turn('next', 1)] : []));
}

function listHead() {
  const scores = index.entries.map((name, at) =>
    make('th', { scope: 'col', class: 'n' }, dot(at), index.entries.length > 1 ? said(name) : label('score')));
  const spread = index.entries.length > 1 ? label('difference', 'th', { scope: 'col', class: 'n' }) : null;
  return make('thead', {}, make('tr', {}, label('case', 'th', { scope: 'col' }), scores, spread));
}

function listRow(one) {
  const tags = one.tags.slice(0, 4).map((tag) => said(index.tags[tag], { class: 'tag' }));
  if (one.tags.length > 4) tags.push(make('span', { class: 'tag more' }, `+${one.tags.length - 4}`));
  const title = make('td', { class: 'case' },
    make('a', { href: caseLink(one) }, said(one.id)),
    one.excerpt ? make('p', { class: 'excerpt', dir: 'auto' }, one.excerpt) : null,
    make('div', { class: 'tags' }, index.suites.length > 1 ? said(index.suites[one.suite], { class: 'tag home' }) : null, tags));
  const scores = index.entries.map((name, at) => listScore(one.cells.get(at), name));
  const spread = index.entries.length > 1
    ? make('td', { class: 'n', 'data-head': word('difference') }, one.spread === null ? '–' : number(one.spread)) : null;
  return make('tr', {}, title, scores, spread);
}

function listScore(cell, name) {
  const attributes = { class: 'n score', 'data-head': index.entries.length > 1 ? name : word('score') };
  if (!cell) return make('td', attributes, '–');
  const parts = [];
  if (cell.score !== null) {
    parts.push(make('span', { class: 'figure' }, number(cell.score)));
    if (cell.total > 1) parts.push(make('small', {}, label('mean_of'), ` ${cell.measured}/${cell.total}`));
    parts.push(bar(cell));
  }
  const states = cell.states.map((at) => index.states[at]).filter((state) => state !== 'scored');
  parts.push(...states.map((state) => label(`state_${state}`, 'span', { class: 'chip lost' })));
  if (cell.score === null && !states.length) parts.push(label('no_score', 'span', { class: 'quiet' }));
  if (cell.flags & FLAGS.harm) parts.push(label('harm', 'span', { class: 'chip harm' }));
  else if (cell.flags & FLAGS.failed) parts.push(label('failed', 'span', { class: 'chip bad' }));
  return make('td', attributes, make('div', {}, parts));
}

/** A score between 0 and 1 as a bar; other scales are shown as numbers only. */
function bar(cell) {
  if (cell.score > 1) return null;
  const fill = make('i', { class: `e${cell.entry % 8}` });
  fill.style.width = `${100 * Math.max(0, cell.score)}%`;
  return make('span', { class: 'meter', 'aria-hidden': 'true' }, fill);
}

function caseLink(one) {
  return fragment({ case: one.id, suite: index.suites[one.suite] });
}
