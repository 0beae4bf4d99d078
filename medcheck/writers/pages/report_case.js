// One opened case: what was asked, all answers side by side, every criterion with its ballots.

const opened = { one: null, answers: [], messages: [], criteria: [], repeat: 1, onlyDiffering: false, allOpen: false };

/** Find a case by id, and by suite where two suites share an id. */
function findCase(id, suite) {
  // A fragment cannot hold a lone surrogate, so such an id is compared as the fragment shows it.
  const same = (text, wanted) => text === wanted || text.toWellFormed?.() === wanted;
  return index.cases.find((one) => same(one.id, id)
    && (suite === null || same(index.suites[one.suite], suite)));
}

async function openCase(one) {
  const parts = await Promise.all(one.places.map(async ([number, at]) => (await block(number))[at]));
  opened.one = one;
  opened.messages = parts[0].messages;
  opened.criteria = [];
  opened.answers = parts.flatMap(readAnswers);
  opened.repeat = Math.min(...opened.answers.map((answer) => answer.repeat));
  showCase();
}

/** Answers whose verdicts point into the joined criteria of all runs. */
function readAnswers(part) {
  const asked = JSON.stringify(part.messages);
  const differs = asked !== JSON.stringify(opened.messages);
  const numbers = part.criteria.map((criterion) => {
    const text = JSON.stringify(criterion);
    const known = opened.criteria.findIndex((other) => JSON.stringify(other) === text);
    return known >= 0 ? known : opened.criteria.push(criterion) - 1;
  });
  return part.answers.map((answer) => ({
    ...answer,
    messages: answer.messages ?? (differs ? part.messages : null),
    verdicts: new Map((answer.score?.verdicts ?? []).map(([at, state, value, name, how, ballots]) =>
      [numbers[at], { state, value, name, how, ballots }])),
  }));
}

function showCase() {
  const { one } = opened;
  const shown = opened.answers.filter((answer) => answer.repeat === opened.repeat);
  const tags = one.tags.map((tag) => said(index.tags[tag], { class: 'tag' }));
  const category = one.category.length ? said(one.category.join(' › '), { class: 'tag' }) : null;
  document.getElementById('case').replaceChildren(
    caseSteps(one),
    make('h1', {}, label('case', 'span', { class: 'kind' }), ' ', said(one.id)),
    make('div', { class: 'tags' }, said(index.suites[one.suite], { class: 'tag home' }), category, tags),
    make('div', { class: 'columns' },
      make('section', { class: 'asked' }, label('ask', 'h2'), conversation(opened.messages)),
      make('div', {}, repeatTabs(),
        make('section', { class: 'answers' }, shown.map(answerCard)),
        opened.criteria.length ? criteriaTable(shown) : null)));
}

function caseSteps(one) {
  const at = matching.indexOf(one);
  const step = (key, other, attributes) => (other
    ? label(key, 'a', { href: caseLink(other), ...attributes })
    : label(key, 'span', { class: 'off' }));
  return make('div', { class: 'steps' },
    label('back', 'a', { href: '#cases', class: 'back' }),
    at < 0 ? null : make('span', { class: 'count' }, `${at + 1} / ${matching.length}`),
    step('previous', matching[at - 1], { id: 'previous' }),
    step('next', at < 0 ? null : matching[at + 1], { id: 'next' }));
}

function conversation(messages) {
  return messages.map(([role, text, images]) => {
    const known = Object.hasOwn(LABELS.en, `role_${role}`);
    const head = known ? label(`role_${role}`, 'h3') : make('h3', {}, said(role));
    return make('div', { class: `turn ${role === 'system' || role === 'assistant' ? role : 'user'}` }, head,
      images.map((path) => make('p', { class: 'attachment' }, label('image'), ' ', said(path))),
      prose(text));
  });
}

/** A text exactly as it was sent or received. */
function prose(text) {
  return make('div', { class: 'prose', dir: 'auto' }, text);
}

function repeatTabs() {
  const repeats = [...new Set(opened.answers.map((answer) => answer.repeat))].sort((a, b) => a - b);
  if (repeats.length < 2) return null;
  return make('div', { class: 'tabs', role: 'group' }, label('repeat'), repeats.map((repeat) =>
    make('button', {
      type: 'button',
      'aria-pressed': String(repeat === opened.repeat),
      click: () => { opened.repeat = repeat; showCase(); focusPressed(); },
    }, String(repeat))));
}

function focusPressed() {
  document.querySelector('#case .tabs [aria-pressed="true"]')?.focus();
}

function answerCard(answer) {
  const { completion } = answer;
  return make('section', { class: `card e${answer.entry % 8}` },
    make('header', {}, make('h2', {}, dot(answer.entry), said(index.entries[answer.entry])), scoreLine(answer)),
    answer.error ? make('p', { class: 'cause' }, label('why', 'b'), ' ', said(answer.error)) : null,
    answer.messages ? folded(label('ask_differs'), conversation(answer.messages)) : null,
    completion?.reasoning ? folded(label('reasoning'), prose(completion.reasoning)) : null,
    answerText(completion),
    completion?.evidence.length ? folded(label('evidence'), completion.evidence.map((item) => make('pre', {}, item))) : null,
    completion ? finishLine(completion) : null);
}

function answerText(completion) {
  if (!completion) return label('no_answer', 'p', { class: 'nothing' });
  if (!completion.text) return label('blank_answer', 'p', { class: 'nothing' });
  const text = prose(completion.text);
  text.classList.add('long');
  text.tabIndex = 0;
  return text;
}

function folded(title, content) {
  return make('details', {}, make('summary', {}, title), content);
}

function scoreLine(answer) {
  const { score } = answer;
  const measured = score !== null && score.value !== null;
  const parts = [measured ? make('span', { class: 'figure' }, number(score.value))
    : label(answer.state === 'scored' ? 'no_score' : 'not_measured', 'span', { class: 'figure none' })];
  if (measured && score.earned !== null && score.possible !== null) {
    parts.push(make('span', { class: 'quiet' }, `${short(score.earned)} `, label('earned'), ` ${short(score.possible)}`));
  }
  if (answer.state !== 'scored') parts.push(label(`state_${answer.state}`, 'span', { class: 'chip lost' }));
  if (hits(answer)) parts.push(label('harm', 'span', { class: 'chip harm' }));
  if (answer.passed === false) parts.push(label('failed', 'span', { class: 'chip bad' }));
  if (answer.passed === true && answer.pass_at !== null) parts.push(label('passed', 'span', { class: 'chip good' }));
  if (answer.pass_at !== null) parts.push(make('span', { class: 'quiet' }, label('threshold'), ` ${short(answer.pass_at)}`));
  return make('p', { class: 'scoreline' }, parts);
}

function hits(answer) {
  return [...answer.verdicts].some(([at, verdict]) => opened.criteria[at].zero && verdict.state === 'met');
}

function finishLine(completion) {
  const [sent, , received] = completion.tokens;
  const cost = completion.cost_usd === null ? label('unknown') : `$${completion.cost_usd.toFixed(4)}`;
  const count = (tokens) => (tokens === null ? label('unknown') : String(tokens));
  return make('p', { class: 'finish' },
    make('span', {}, label('finish'), ': ', label(`finish_${completion.finish}`, 'span',
      { class: completion.finish === 'stop' ? '' : 'lost' })),
    make('span', {}, label('tokens_in'), ' ', count(sent), ', ', label('tokens_out'), ' ', count(received)),
    completion.seconds === null ? null : make('span', {}, `${completion.seconds.toFixed(1)} `, label('seconds')),
    make('span', {}, label('cost'), ' ', cost));
}

function criteriaTable(shown) {
  const rows = opened.criteria.map((criterion, at) => [criterion, shown.map((answer) => answer.verdicts.get(at))]);
  const differing = (verdicts) => new Set(verdicts.map((verdict) => verdict && `${verdict.state} ${verdict.value}`)).size > 1;
  const kept = rows.filter(([, verdicts]) => verdicts.some(Boolean))
    .filter(([, verdicts]) => !opened.onlyDiffering || differing(verdicts));
  const heads = shown.map((answer) => make('th', { scope: 'col' }, dot(answer.entry), said(index.entries[answer.entry])));
  return make('section', { class: 'criteria' },
    make('div', { class: 'heading' }, label('criteria', 'h2'),
      make('div', {}, shown.length > 1 ? toggle('onlyDiffering', 'only_differing') : null,
        toggle('allOpen', 'all_explanations'))),
    make('table', { class: 'verdicts' },
      make('thead', {}, make('tr', {}, label('criterion', 'th', { scope: 'col' }), heads)),
      make('tbody', {}, kept.map(([criterion, verdicts]) => make('tr', {}, criterionCell(criterion),
        verdicts.map((verdict, at) => verdictCell(criterion, verdict, shown[at])))))));
}

/** A check box that keeps its state from case to case. */
function toggle(name, key) {
  const box = make('input', {
    type: 'checkbox', name, change: () => {
      opened[name] = box.checked;
      showCase();
      document.querySelector(`#case input[name="${name}"]`)?.focus();
    },
  });
  box.checked = opened[name];
  return make('label', { class: 'toggle' }, box, label(key));
}

function criterionCell(criterion) {
  const { points } = criterion;
  const badge = points === null ? null : make('span', { class: `points ${points < 0 ? 'minus' : 'plus'}` },
    `${points > 0 ? '+' : points < 0 ? '−' : ''}${short(Math.abs(points))} `, label('points'));
  return make('th', { scope: 'row', class: 'criterion' },
    make('div', { class: 'prose', dir: 'auto' }, criterion.text),
    make('div', { class: 'tags' }, badge,
      criterion.zero ? label('zero_tolerance', 'span', { class: 'chip zero' }) : null,
      criterion.level ? said(criterion.level, { class: 'tag' }) : null,
      said(criterion.id, { class: 'tag id' }),
      criterion.tags.map((tag) => said(tag, { class: 'tag' }))),
    criterion.check ? make('p', { class: 'quiet' }, label('check'), ' ', make('code', {}, criterion.check)) : null,
    criterion.source ? make('p', { class: 'quiet' }, label('cited'), ' ', said(criterion.source)) : null);
}

function verdictCell(criterion, verdict, answer) {
  const attributes = { class: 'verdict', 'data-head': index.entries[answer.entry] };
  if (!verdict) return make('td', attributes, label('verdict_missing', 'span', { class: 'quiet' }));
  const hit = criterion.zero && verdict.state === 'met';
  const several = verdict.ballots.length > 1;
  return make('td', { ...attributes, class: `verdict ${hit ? 'hit' : ''}` },
    make('p', { class: 'state' }, stateChip(criterion, verdict),
      hit ? label('harm', 'span', { class: 'chip harm' }) : null,
      several ? make('span', { class: 'quiet' }, label('voting'), ' ', said(verdict.how)) : null),
    verdict.ballots.map((ballot) => ballotLine(criterion, ballot, {
      withState: several || verdict.state !== ballot[1],
      open: !several || opened.allOpen || verdict.state !== ballot[1],
    })));
}

/** A verdict in words; the colour repeats what they say. */
function stateChip(criterion, { state, value, name }) {
  const penalty = criterion.points !== null && criterion.points < 0;
  const key = { met: penalty ? 'met_bad' : 'met', not_met: penalty ? 'not_met_good' : 'not_met' }[state] ?? state;
  const tone = { met: penalty ? 'bad' : 'good', not_met: penalty ? 'good' : 'bad', scored: 'plain' }[state] ?? 'lost';
  const figure = state === 'scored' && value !== null
    ? make('span', {}, ` ${short(value)} (${criterion.scale.map((end) => short(end ?? 0)).join('–')})`) : null;
  return make('span', { class: `chip ${tone}` }, label(`verdict_${key}`), figure,
    name ? make('span', {}, ' · ', said(name)) : null);
}

/** One judge's vote; folded where a panel agrees, so that dissent stands out. */
function ballotLine(criterion, [judge, state, value, name, explanation, error], { withState, open }) {
  return make('details', { class: 'ballot', open },
    make('summary', {}, said(judge), withState ? stateChip(criterion, { state, value, name }) : null),
    explanation ? make('div', { class: 'prose', dir: 'auto' }, explanation) : null,
    error ? make('p', { class: 'cause' }, label('why', 'b'), ' ', said(error)) : null);
}
