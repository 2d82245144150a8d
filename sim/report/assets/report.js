'use strict';
// The page of a report: reads the JSON beside it, makes tables and charts. Text
// comes in as text (textContent), never as HTML.
(() => {
  const root = document.documentElement;
  const errors = [];
  const note = (what) => { errors.push(String(what)); root.dataset.errors = JSON.stringify(errors); };
  root.dataset.errors = '[]';
  addEventListener('error', (e) => note(e.message));
  addEventListener('unhandledrejection', (e) => note(e.reason));
  addEventListener('securitypolicyviolation', (e) => note('blocked: ' + e.blockedURI));

  const data = JSON.parse(document.getElementById('data').textContent);
  const main = document.querySelector('main');
  const report = data.report, baseline = data.baseline, sweep = data.sweep;

  // ---- small parts ----------------------------------------------------------
  function el(tag, attributes, ...children) {
    const e = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    for (const child of children) e.append(child);
    return e;
  }
  function grouped(value, digits) {
    return value.toLocaleString('en-US', {maximumFractionDigits: digits});
  }
  function short(value) {
    const size = Math.abs(value);
    return grouped(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 3 : 6);
  }
  function format(value, unit) {
    if (value === null || value === undefined || !Number.isFinite(value)) return '–';
    if (unit === 'share') return short(value * 100) + ' %';
    if (unit === 'dollars') return '$' + short(value);
    if (unit === 'bytes') {
      const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
      let i = 0;
      for (; Math.abs(value) >= 1000 && i + 1 < units.length; ++i) value /= 1000;
      return short(value) + ' ' + units[i];
    }
    if (unit === 'seconds') {
      return value !== 0 && Math.abs(value) < 1 ? short(value * 1000) + ' ms' : short(value) + ' s';
    }
    return short(value);
  }
  // A cell that keeps the exact number beside the rounded one.
  function numberCell(path, value, unit) {
    const text = format(value, unit);
    return el('td', {class: 'number', 'data-number': path, 'data-value': String(value), title: String(value)}, text);
  }
  function section(title, ...children) {
    const s = el('section', {}, el('h2', {}, title), ...children);
    main.append(s);
    return s;
  }
  function table(header, rows, numbersFrom = 1) {
    const head = el('tr', {});
    header.forEach((h, i) => head.append(el('th', i >= numbersFrom ? {class: 'number'} : {}, h)));
    const body = el('tbody', {});
    for (const row of rows) {
      const tr = el('tr', {});
      for (const cell of row) tr.append(cell instanceof Node ? cell : el('td', {}, String(cell)));
      body.append(tr);
    }
    return el('div', {class: 'scroll'}, el('table', {}, el('thead', {}, head), body));
  }
  const unitOf = (kind, name) => data.units[kind][name] || '';

  // ---- charts ----------------------------------------------------------------
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const palette = dark ? ['#6ea8fe', '#f2a65a', '#6fcf97', '#eb7a77', '#b79cf5', '#5cc8d7']
                       : ['#2b6cb0', '#d9822b', '#2f855a', '#c0392b', '#6b46c1', '#0f8a9d'];
  const css = getComputedStyle(root);
  Chart.defaults.color = css.getPropertyValue('--faint').trim();
  Chart.defaults.borderColor = css.getPropertyValue('--line').trim();
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.interaction = {mode: 'index', intersect: false};
  Chart.defaults.plugins.legend.labels.boxWidth = 12;
  const canvases = [];
  function chart(parent, caption, config, tall) {
    const canvas = el('canvas', {role: 'img', 'aria-label': caption});
    parent.append(el('figure', {}, el('figcaption', {}, caption),
                     el('div', {class: tall ? 'canvas tall' : 'canvas'}, canvas)));
    canvases.push(canvas);
    return new Chart(canvas, config);
  }
  function axes(unit, more) {
    return Object.assign({
      x: {ticks: {maxTicksLimit: window.innerWidth < 600 ? 4 : 8, autoSkipPadding: 12, maxRotation: 0}, grid: {display: false}},
      y: {beginAtZero: true, ticks: {callback: (v) => format(v, unit), maxTicksLimit: 6}},
    }, more);
  }
  function tooltip(unit) {
    return {callbacks: {label: (c) => c.dataset.label + ': ' + format(c.parsed.y, unit)}};
  }
  function times(r) {
    const n = r.series.creates.length, step = r.series.stepSeconds, total = step * n;
    const label = (s) => total >= 3 * 86400 ? short(s / 86400) + ' d' : total >= 3 * 3600 ? short(s / 3600) + ' h'
      : total >= 300 ? short(s / 60) + ' min' : short(s) + ' s';
    return Array.from({length: n}, (_, i) => label(i * step));
  }
  // lines: [label, values, options]
  function overTime(parent, caption, unit, lines, options = {}) {
    const datasets = lines.map(([label, values, more], i) => Object.assign({
      label, data: values, backgroundColor: palette[i % 6] + (options.bars ? '' : '40'), borderColor: palette[i % 6],
      borderWidth: options.bars ? 0 : 1.5, pointRadius: 0, fill: !!options.stacked, stepped: 'before',
    }, more));
    const scales = axes(unit);
    if (options.stacked || options.bars) scales.x.stacked = scales.y.stacked = true;
    chart(parent, caption, {
      type: options.bars ? 'bar' : 'line',
      data: {labels: options.labels || times(report), datasets},
      options: {scales, plugins: {tooltip: tooltip(unit), legend: {display: lines.length > 1}}},
    });
  }
  const perSecond = (values) => values.map((v) => v / report.series.stepSeconds);
  const any = (...lists) => lists.some((list) => list.some((v) => v > 0));

  // ---- one run ----------------------------------------------------------------
  function heading() {
    document.title = data.title;
    main.append(el('h1', {}, data.title));
    if (!report) return;
    const n = report.numbers;
    main.append(el('p', {class: 'faint'}, format(n.duration, 'seconds') + ' simulated from ' + report.begin + ', ' +
      short(n.serviceCount) + ' Services, seed ' + data.seed + ', digest ' + report.digest));
    for (const e of report.expectations) {
      main.append(el('p', {class: e.pass ? 'good' : 'bad'},
                     (e.pass ? '✓ ' : '✗ ') + e.text + ' (is ' + short(e.value) + ')'));
    }
  }
  function cards() {
    const shown = [
      ['writes', 'API writes'], ['fanOutBytes', 'sent to watchers'], ['podToProxiesP99', 'pod change to proxies, P99'],
      ['slices', 'slices at the end'], ['crossZoneShare', 'of traffic crosses zones'],
      ['crossZoneCost', 'for crossing zones'], ['blackHoled', 'requests black-holed'],
      ['rejected', 'requests rejected'], ['misrouted', 'requests misrouted'], ['maxOverload', 'highest overload'],
    ];
    const box = el('div', {class: 'cards'});
    for (const [name, label] of shown) {
      const value = report.numbers[name];
      box.append(el('div', {class: 'card'}, el('b', {'data-number': name, 'data-value': String(value)},
                                               format(value, unitOf('run', name))), el('span', {}, label)));
    }
    main.append(box);
  }
  function seriesCharts() {
    const s = report.series;
    const box = el('div', {class: 'charts'});
    section('Over time', box);
    overTime(box, 'API writes a second', '', [['create', perSecond(s.creates)], ['update', perSecond(s.updates)],
      ['delete', perSecond(s.deletes)], ['refused', perSecond(s.refusedWrites)]], {bars: true});
    overTime(box, 'Bytes written a second', 'bytes', [['create', perSecond(s.createBytes)],
      ['update', perSecond(s.updateBytes)], ['delete', perSecond(s.deleteBytes)]], {bars: true});
    overTime(box, 'Bytes to watchers a second', 'bytes', [['watch events', perSecond(s.fanOutBytes)]]);
    overTime(box, 'Controller queue', '', [['most', s.maxQueueDepth], ['mean', s.meanQueueDepth]]);
    overTime(box, 'Slices and endpoints', '', [['slices', s.slices], ['endpoints', s.endpoints]]);
    overTime(box, 'Endpoints changed a second', '', [['added', perSecond(s.endpointsAdded)],
      ['removed', perSecond(s.endpointsRemoved)], ['changed', perSecond(s.endpointsChanged)]], {bars: true});
    if (any(s.requests)) {
      overTime(box, 'Served requests a second', '', [['in zone', perSecond(s.inZoneRequests)],
        ['cross zone', perSecond(s.crossZoneRequests)]], {stacked: true});
      overTime(box, 'Requests gone wrong a second', '', [['black-holed', perSecond(s.blackHoled)],
        ['rejected', perSecond(s.rejected)], ['misrouted', perSecond(s.misrouted)]]);
      overTime(box, 'Highest overload of an endpoint', 'share', [['overload', s.maxOverload]]);
    }
  }
  const stages = [['queueWait', 'due to sync'], ['writeLatency', 'write'], ['podToSlice', 'pod to slice'],
                  ['sliceToProxies', 'slice to proxies'], ['podToProxies', 'pod to proxies']];
  function latencyChart() {
    const box = el('div', {class: 'charts'});
    section('Latency', box);
    const datasets = ['P50', 'P90', 'P99', 'Max'].map((q, i) => ({
      label: q, data: stages.map(([name]) => report.numbers[name + q]), backgroundColor: palette[i]}));
    chart(box, 'By stage', {type: 'bar', data: {labels: stages.map(([, label]) => label), datasets},
      options: {scales: axes('seconds'), plugins: {tooltip: tooltip('seconds')}}});
  }
  function zones() {
    if (!report.zones.length) return;
    const name = (z) => z === '' ? '(none)' : z;
    const box = el('div', {class: 'charts'});
    chart(box, 'Requests by zone', {type: 'bar', data: {labels: report.zones.map((z) => name(z.name)), datasets: [
      {label: 'sent', data: report.zones.map((z) => z.numbers.sent), backgroundColor: palette[0]},
      {label: 'received', data: report.zones.map((z) => z.numbers.received), backgroundColor: palette[1]},
    ]}, options: {scales: axes('')}});
    const names = report.zones.map((z) => z.name);
    const most = Math.max(1, ...report.flows.map((f) => f.requests));
    const rows = names.map((from) => [name(from)].concat(names.map((to) => {
      const flow = report.flows.find((f) => f.from === from && f.to === to);
      const value = flow ? flow.requests : 0;
      const cell = el('td', {class: 'heat', title: String(value)}, short(value));
      cell.style.background = 'rgba(' + css.getPropertyValue('--heat') + ',' + (0.6 * value / most).toFixed(3) + ')';
      return cell;
    })));
    const loads = report.zones.map((z) => [name(z.name)].concat(['sent', 'received', 'inZoneRequests', 'maxLoad'].map(
      (n) => numberCell('zones.' + z.name + '.' + n, z.numbers[n], ''))));
    section('Zones', box, el('p', {class: 'faint'}, 'Served requests from (row) to (column)'),
            table(['from \\ to'].concat(names.map(name)), rows),
            table(['zone', 'sent', 'received', 'in zone', 'highest load (x even)'], loads));
  }
  function hints() {
    const periods = report.services.filter((s) => s.hints.length)
      .sort((a, b) => b.numbers.hintSwitches - a.numbers.hintSwitches ||
                      b.numbers.hintsOffSeconds - a.numbers.hintsOffSeconds || (a.name < b.name ? -1 : 1)).slice(0, 20);
    if (!periods.length) return;
    const of = (on) => periods.flatMap((s) => s.hints.filter((h) => h.on === on)
      .map((h) => ({x: [h.begin, h.begin + h.duration], y: s.name, reason: h.reason})));
    const box = el('div', {class: 'charts'});
    chart(box, 'Hints on and off (Services with the most switches)', {type: 'bar', data: {
      labels: periods.map((s) => s.name), datasets: [
        {label: 'on', data: of(true), backgroundColor: palette[2]},
        {label: 'off', data: of(false), backgroundColor: palette[3]}]},
      options: {indexAxis: 'y', grouped: false, interaction: {mode: 'nearest', intersect: true},
        scales: {x: {beginAtZero: true, max: report.numbers.duration, ticks: {callback: (v) => format(v, 'seconds')}},
                 y: {ticks: {autoSkip: false}}},
        plugins: {tooltip: {callbacks: {label: (c) => c.dataset.label + ': ' + c.raw.reason}}}}}, periods.length > 8);
    section('Hints', box);
  }
  function worst() {
    const box = el('div', {class: 'worst'});
    for (const [number, names] of Object.entries(report.worst)) {
      if (!names.length) continue;
      const rows = names.map((n) => {
        const service = report.services.find((s) => s.name === n);
        return [n, numberCell('services.' + n + '.' + number, service.numbers[number], unitOf('service', number))];
      });
      box.append(el('div', {}, el('b', {}, number), table(['Service', ''], rows)));
    }
    if (box.children.length) section('Worst Services', box);
    if (!report.overloadedEndpoints.length) return;
    section('Endpoints that got most above an even spread', table(['Service', 'endpoint', 'zone', 'requests', 'load'],
      report.overloadedEndpoints.map((e) => [e.service, e.address, e.zone === '' ? '(none)' : e.zone,
        el('td', {class: 'number', title: String(e.requests)}, short(e.requests)),
        el('td', {class: 'number', title: String(e.load)}, short(e.load) + '×')])));
  }
  function numbers() {
    const rows = Object.entries(report.numbers).map(([name, value]) =>
      [name, numberCell(name, value, unitOf('run', name)), unitOf('run', name)]);
    section('All numbers', table(['number', 'value', 'unit'], rows));
  }
  function services() {
    const columns = ['requests', 'crossZoneShare', 'blackHoled', 'rejected', 'misrouted', 'maxOverload', 'creates',
                     'updates', 'slices', 'endpoints'];
    const filter = el('input', {type: 'search', placeholder: 'name', 'aria-label': 'filter by name'});
    const place = el('div', {});
    const draw = () => {
      const rows = report.services.filter((s) => s.name.includes(filter.value)).slice(0, 200).map((s) =>
        [s.name].concat(columns.map((c) => {
          return el('td', {class: 'number', title: String(s.numbers[c])}, format(s.numbers[c], unitOf('service', c)));
        })));
      place.replaceChildren(table(['Service'].concat(columns), rows));
    };
    filter.addEventListener('input', draw);
    draw();
    const left = data.servicesLeftOut;
    section('Services', filter, place, el('p', {class: 'faint'},
            left ? short(left) + ' more Services are in the JSON form.' : ''));
  }
  function remarks() {
    const list = [];
    report.timeline.forEach((m) => list.push(format(m.at, 'seconds') + ': ' + m.text));
    report.madeUp.forEach((t) => list.push('Made up: ' + t));
    report.notes.forEach((t) => list.push('Note: ' + t));
    report.skipped.forEach((s) => list.push('Skipped: ' + s.count + ' × ' + s.reason));
    if (list.length) section('Remarks', ...list.map((t) => el('p', {}, t)));
    const rows = Object.entries(report.settings).map(([key, value]) => [key, value]);
    if (rows.length) section('Settings', table(['key', 'value'], rows, 2));
  }

  // ---- two runs ----------------------------------------------------------------
  function comparison() {
    const box = el('div', {class: 'charts'});
    section('Compared with ' + (baseline.name || 'the baseline'), box);
    const a = baseline.series, b = report.series;
    const pair = (caption, name, unit, rate) => {
      // Both on the finer of the two time scales, at the steps of the variant.
      const scale = (r, values) => rate ? values.map((v) => v / r.series.stepSeconds) : values;
      const ours = scale(report, b[name]), theirs = scale(baseline, a[name]);
      if (!any(ours, theirs)) return;
      const at = ours.map((_, i) => theirs[Math.floor(i * b.stepSeconds / a.stepSeconds)]);
      overTime(box, caption, unit, [['baseline', at], ['variant', ours]]);
    };
    pair('Updates a second', 'updates', '', true);
    pair('Bytes to watchers a second', 'fanOutBytes', 'bytes', true);
    pair('Most in the queue', 'maxQueueDepth', '', false);
    pair('Slices', 'slices', '', false);
    pair('Cross-zone requests a second', 'crossZoneRequests', '', true);
    pair('Black-holed requests a second', 'blackHoled', '', true);
    pair('Highest overload', 'maxOverload', 'share', false);
    const rows = Object.entries(report.numbers).map(([name, value]) => {
      const before = baseline.numbers[name], unit = unitOf('run', name);
      return [name, numberCell('baseline.' + name, before, unit), numberCell('variant.' + name, value, unit),
              numberCell('difference.' + name, value - before, unit),
              el('td', {class: 'number'}, before !== 0 ? short(value / before) + '×' : '–')];
    });
    main.lastElementChild.append(table(['number', 'baseline', 'variant', 'difference', 'ratio'], rows));
  }
  // For each number the Services that differ most in it.
  function serviceDifferences() {
    const first = ['creates', 'updates', 'deletes', 'blackHoled', 'rejected', 'crossZoneShare', 'maxOverload',
                   'overloadSeconds'];
    const byNumber = new Map();
    for (const d of data.comparison.services) {
      const dot = d.number.lastIndexOf('.'), number = d.number.slice(dot + 1);
      const cell = (run, value) => numberCell(run + '.' + d.number, value, d.unit);
      if (!byNumber.has(number)) byNumber.set(number, []);
      byNumber.get(number).push([d.number.slice('services.'.length, dot), cell('baseline', d.baseline),
                                 cell('variant', d.variant), cell('difference', d.difference)]);
    }
    const tables = (numbers) => el('div', {class: 'worst wide'}, ...numbers.map((n) =>
      el('div', {}, el('b', {}, n), table(['Service', 'baseline', 'variant', 'difference'], byNumber.get(n)))));
    const others = [...byNumber.keys()].filter((n) => !first.includes(n));
    const s = section('Services that differ most', tables(first.filter((n) => byNumber.has(n))));
    if (!byNumber.size) s.append(el('p', {class: 'faint'}, 'No Service differs.'));
    if (others.length) s.append(el('details', {}, el('summary', {}, 'By other numbers'), tables(others)));
  }

  // ---- many runs ----------------------------------------------------------------
  function sweepPart() {
    const pick = el('select', {'aria-label': 'metric'});
    const place = el('div', {});
    const numbers = sweep.shown.concat(sweep.metrics.filter((m) => !sweep.shown.includes(m)));
    numbers.forEach((m) => pick.append(el('option', {value: m}, m)));
    const index = (metric) => sweep.metrics.indexOf(metric);
    const box = el('div', {class: 'charts'});
    const labels = sweep.rows.map((r) => r.values.join(', '));
    const lines = (i) => [['high', r => r.bands[i].high], ['mean', r => r.bands[i].mean], ['low', r => r.bands[i].low]]
      .map(([label, get], k) => ({label, data: sweep.rows.map(get), borderColor: palette[0] + (k === 1 ? '' : '60'),
        backgroundColor: palette[0] + '30', borderWidth: k === 1 ? 2 : 1, pointRadius: k === 1 ? 3 : 0,
        fill: k === 0 ? 2 : false}));
    const unit = () => unitOf('run', pick.value);
    // What the chart shows, and the columns of the text form.
    const drawTable = () => {
      const columns = (sweep.shown.includes(pick.value) ? [] : [pick.value]).concat(sweep.shown);
      const rows = sweep.rows.map((r, j) => r.values.concat([el('td', {class: 'number'}, String(r.runs))],
        columns.map((metric) => {
          const b = r.bands[index(metric)], u = unitOf('run', metric);
          const cell = numberCell('sweep.' + j + '.' + metric, b.mean, u);
          if (b.high > b.low) cell.append(el('span', {class: 'faint'}, ' ±' + format((b.high - b.low) / 2, u)));
          return cell;
        })));
      place.replaceChildren(table(sweep.parameters.concat(['runs'], columns), rows, sweep.parameters.length));
    };
    section('Sweep', pick, box, place);
    drawTable();
    const c = chart(box, 'By point', {type: 'line', data: {labels, datasets: lines(index(pick.value))},
      options: {scales: {x: {ticks: {maxRotation: 60}}, y: {ticks: {callback: (v) => format(v, unit())}}},
                plugins: {tooltip: {callbacks: {label: (t) => t.dataset.label + ': ' + format(t.parsed.y, unit())}}}}});
    pick.addEventListener('change', () => {
      c.data.datasets = lines(index(pick.value));
      c.update();
      drawTable();
    });
  }

  heading();
  if (baseline && report) {
    comparison();
    serviceDifferences();
  }
  if (sweep) sweepPart();
  if (report) {
    cards();
    seriesCharts();
    latencyChart();
    zones();
    hints();
    worst();
    services();
    numbers();
    remarks();
  }

  // For tests ("#check"): how many charts have anything drawn on them, with the
  // last metric picked for the sweep's.
  if (location.hash === '#check') {
    const pick = document.querySelector('select');
    if (pick) {
      pick.selectedIndex = pick.options.length - 1;
      pick.dispatchEvent(new Event('change'));
      const c = Chart.getChart(pick.parentElement.querySelector('canvas'));
      root.dataset.picked = JSON.stringify([pick.value].concat(c.data.datasets.map((d) => d.data)));
    }
    setTimeout(() => {
      const drawn = canvases.filter((c) => {
        if (!c.width || !c.height) return false;
        const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        let colours = 0;
        for (let i = 0; i < pixels.length; i += 4) {
          if (pixels[i + 3] > 32 && Math.max(pixels[i], pixels[i + 1], pixels[i + 2]) -
              Math.min(pixels[i], pixels[i + 1], pixels[i + 2]) > 60) ++colours;
        }
        return colours > 50;
      });
      root.dataset.charts = canvases.length;
      root.dataset.drawn = drawn.length;
      root.dataset.overflow = String(root.scrollWidth > root.clientWidth);
      canvases.filter((c) => !drawn.includes(c)).forEach((c) => note('blank: ' + c.getAttribute('aria-label')));
    }, 300);
  }
})();
