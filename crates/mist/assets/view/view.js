// The page of `mist view`. Text from files goes into the page as text (`textContent`), never as markup.
"use strict";

const $ = (id) => document.getElementById(id);

/** Colours of labels by position, background left out (Okabe and Ito, then lighter ones); they repeat after the last. */
const COLOURS = [[230, 159, 0], [86, 180, 233], [0, 190, 130], [240, 228, 66], [204, 121, 167], [213, 94, 0], [0, 114, 178],
  [170, 220, 120], [250, 170, 170], [160, 140, 250], [120, 220, 220], [200, 170, 120]];
const STRANGER = { position: 255, name: "no label", colour: [160, 160, 160] };
const KINDS = [
  { name: "missed", colour: [255, 60, 60] },
  { name: "too much", colour: [60, 220, 255] },
  { name: "wrong label", colour: [255, 230, 60] },
];
/** NIfTI's intent code of label maps: NiiVue then draws each voxel in the colour of its own label. */
const LABELS = 1002;
/** Dice below which a value stands out; from 0.7 on, agreement counts as good (Zijdenbos et al. 1994). */
const LOW = 0.7;
/** So many classes get a column of their own in the list. */
const COLUMNS = 4;
/** An opacity that does not show, with which NiiVue still draws the outline. */
const INVISIBLE = 0.01;

let run; // cases.json
let shown = -1; // position of the case in run.cases
let errors = null; // errors.json of the case
let place = -1; // position in errors.places
let viewer = null;
let overlays = {}; // truth, prediction, differences: volumes of the viewer

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Position, name and colour of every label but the background. */
function labelColours() {
  const labels = run.labels.slice(1).map(({ name }, index) => ({ position: index + 1, name, colour: COLOURS[index % COLOURS.length] }));
  return labels.length < STRANGER.position ? [...labels, STRANGER] : labels;
}

const css = (colour) => `rgb(${colour.join(",")})`;
const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));

/** A file under this address, or an error with the server's reason. */
async function load(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}

// The list.

function mean(values) {
  const present = values.filter((value) => value !== null && value !== undefined);
  return present.length ? present.reduce((sum, value) => sum + value, 0) / present.length : null;
}

function showList() {
  document.title = `mist view: ${run.task}`;
  $("task").textContent = run.task;
  const scored = run.cases.filter((entry) => entry.dice !== null);
  const classes = run.classes.slice(0, COLUMNS).map(({ name, column }) => `${name} ${number(mean(scored.map((entry) => entry.scores[column])), 3)}`);
  const failed = run.cases.filter((entry) => entry.group === "unscored").length;
  $("summary").textContent = [
    scored.length ? `mean Dice ${number(mean(scored.map((entry) => entry.dice)), 3)} of ${scored.length} held-out cases (${classes.join(", ")}${run.classes.length > COLUMNS ? ", …" : ""})` : "",
    failed ? `${failed} without a score` : "",
    run.results,
  ].filter(Boolean).join(" · ");
  $("gap").textContent = run.gap ?? "";
  $("gap").hidden = !run.gap;
  $("heads").append(...["Case", "Dice", ...columns().map(({ name }) => name)].map((name) => element("th", name)));
  const sections = { scored: "Held-out cases, worst first", unscored: "Without a score", test: "Test cases" };
  let group = null;
  run.cases.forEach((entry, position) => {
    if (entry.group !== group) {
      group = entry.group;
      const cell = element("td", sections[group], "section");
      cell.colSpan = 2 + columns().length;
      const row = element("tr");
      row.append(cell);
      $("rows").append(row);
    }
    $("rows").append(rowOf(entry, position));
  });
}

/** Columns of the list besides the mean: the classes, or the worst of them where there are many. */
function columns() {
  if (run.classes.length === 1) return [];
  const value = (entry, column) => entry.scores[column] ?? null;
  if (run.classes.length <= COLUMNS) return run.classes.map(({ name, column }) => ({ name, of: (entry) => [value(entry, column)] }));
  const present = (entry) => run.classes.map(({ name, column }) => [value(entry, column), name]).filter(([dice]) => dice !== null);
  return [{ name: "Lowest class", of: (entry) => present(entry).sort(([a], [b]) => a - b)[0] ?? [null] }];
}

function rowOf(entry, position) {
  const row = element("tr", undefined, "case");
  row.tabIndex = 0;
  row.dataset.position = position;
  const name = element("td", entry.id);
  if (entry.problems.length) {
    const mark = element("span", " ⚠", "mark");
    mark.title = entry.problems.join("\n");
    name.append(mark);
  }
  const cell = ([dice, name], className) => element("td",
    dice === null && entry.group === "test" ? "" : [name, number(dice, 3)].filter(Boolean).join(" "),
    [className, dice !== null && dice < LOW ? "low" : ""].join(" "));
  row.append(name, cell([entry.dice], "mean"), ...columns().map(({ of }) => cell(of(entry), "")));
  row.addEventListener("click", () => { location.hash = encodeURIComponent(entry.id); });
  row.addEventListener("keydown", ({ key }) => { if (key === "Enter") row.click(); });
  return row;
}

/** The case whose id stands in the address, or else the first. */
function openWanted() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  return open(Math.max(run.cases.findIndex(({ id }) => id === wanted), 0));
}

// One case.

async function open(position) {
  if (position === shown) return;
  shown = position;
  const entry = run.cases[position];
  for (const row of document.querySelectorAll("tr.case")) {
    row.setAttribute("aria-selected", row.dataset.position === String(position));
    if (row.dataset.position === String(position)) row.scrollIntoView({ block: "nearest" });
  }
  $("case").hidden = false;
  $("name").textContent = entry.id + (entry.fold === null ? "" : ` (fold ${entry.fold})`);
  const scores = run.columns.map((name, column) => [name, entry.scores[column]])
    .filter(([, value]) => value !== null && value !== undefined);
  const isDice = (name) => name.endsWith("_dice");
  // Many classes: the lowest Dice first.
  if (run.classes.length > COLUMNS) {
    scores.sort(([name, value], [otherName, other]) => isDice(otherName) - isDice(name) || (isDice(name) ? value - other : 0));
  }
  $("scores").textContent = scores
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${number(value, name.endsWith("dice") ? 3 : 2)}`).join(" · ");
  $("problems").replaceChildren(...entry.problems.map((problem) => element("li", problem)));
  $("channels").hidden = entry.scans < 2;
  $("channel").replaceChildren(...Array.from({ length: entry.scans }, (_, channel) => {
    const option = element("option", run.channels[channel] ?? `${channel + 1}`);
    option.value = channel;
    return option;
  }));
  await show(position, 0, true);
}

/** Loads the scan of a channel with the masks, and goes to the largest error if asked. */
async function show(position, channel, jump) {
  const entry = run.cases[position];
  const current = () => shown === position && (entry.scans < 2 || Number($("channel").value) === channel);
  document.body.dataset.state = "loading";
  $("message").textContent = "loading …";
  $("error").textContent = "";
  $("location").textContent = "";
  if (jump) errors = null;
  const compared = entry.truth && entry.prediction;
  $("truth").disabled = !entry.truth;
  $("prediction").disabled = !entry.prediction;
  try {
    if (!entry.scans) throw new Error("There is no scan to show.");
    const at = `case/${position}`;
    const [scan, truth, prediction, differences, found] = await Promise.all([
      volume(`${at}/scan/${channel}.nii`, scanLook()),
      entry.truth ? optional(volume(`${at}/truth.nii`, labelLook())) : null,
      entry.prediction ? optional(volume(`${at}/prediction.nii`, labelLook())) : null,
      compared ? optional(volume(`${at}/errors.nii`, kindLook())) : null,
      compared && jump ? optional(load(`${at}/errors.json`).then((answer) => answer.json())) : null,
    ]);
    if (!current()) return;
    if (jump) errors = found;
    const where = jump ? null : viewer.frac2mm(viewer.scene.crosshairPos).slice(0, 3);
    putVolumes(scan, { truth, prediction, differences });
    $("message").textContent = "";
    showLegend();
    if (jump) goTo(0);
    else moveTo(where);
    document.body.dataset.state = "ready";
  } catch (problem) {
    if (!current()) return;
    putVolumes(null, {});
    $("message").textContent = problem.message;
    document.body.dataset.state = "failed";
  } finally {
    if (current()) updateTools();
  }
}

/** A part that the picture can do without: its failure is listed among the problems of the case. */
async function optional(part) {
  const position = shown;
  try {
    return await part;
  } catch (problem) {
    if (shown === position) $("problems").append(element("li", problem.message));
    return null;
  }
}

// The viewer.

const scanLook = () => ({ colormap: "gray", range: run.window ?? [NaN, NaN] });
const labelLook = () => ({ table: table(labelColours()) });
const kindLook = () => ({ table: table(KINDS.map((kind, index) => ({ position: index + 1, ...kind }))) });

/** The colour table of NiiVue; position 0 is transparent. */
function table(entries) {
  const all = [{ position: 0, name: "", colour: [0, 0, 0] }, ...entries];
  const channel = (index) => all.map(({ colour }) => colour[index]);
  return { R: channel(0), G: channel(1), B: channel(2), A: all.map(({ position }) => (position ? 255 : 0)),
    I: all.map(({ position }) => position), labels: all.map(({ name }) => name) };
}

async function volume(address, look) {
  const bytes = await (await load(address)).arrayBuffer();
  const [low, high] = look.range ?? [NaN, NaN];
  const made = await niivue.NVImage.new(bytes, address, look.colormap ?? "gray", 1, null, low, high);
  if (look.table) {
    made.setColormapLabel(look.table);
    made.hdr.intent_code = LABELS;
  }
  return made;
}

/** Shows a scan with its overlays, or nothing. All at once: NiiVue's `addVolume` draws everything anew for each. */
function putVolumes(scan, parts) {
  overlays = Object.fromEntries(Object.entries(parts).filter(([, part]) => part));
  viewer.overlays = Object.values(overlays);
  viewer.volumes = scan ? [scan, ...viewer.overlays] : [];
  viewer.back = scan;
  showLayers();
}

function showLayers() {
  const opacity = Number($("opacity").value);
  for (const [name, part] of Object.entries(overlays)) {
    part.opacity = !$(name).checked ? 0 : name === "truth" ? INVISIBLE : opacity;
  }
  viewer.updateGLVolume();
}

/** Moves the crosshair to a position in the world, RAS mm. */
function moveTo(position) {
  viewer.scene.crosshairPos = viewer.mm2frac(position);
  viewer.drawScene();
  viewer.createOnLocationChange();
}

/** Goes to the error at this place of the list, the largest being the first. */
function goTo(index) {
  if (!errors?.places.length) {
    place = -1;
    $("error").textContent = errors ? "The prediction agrees with the truth everywhere." : "";
    return;
  }
  place = Math.min(Math.max(index, 0), errors.places.length - 1);
  const found = errors.places[place];
  moveTo(found.position);
  const what = found.prediction === "background" ? `missed ${found.truth}`
    : found.truth === "background" ? `${found.prediction} where there is none`
      : `${found.truth} taken for ${found.prediction}`;
  const size = found.millilitres >= 0.01 ? `${found.millilitres.toFixed(2)} ml` : `${(found.millilitres * 1000).toFixed(1)} mm³`;
  $("error").textContent = `Error ${place + 1} of ${errors.count}: mostly ${what}, ${size} (${found.voxels} voxels)`;
  updateTools();
}

function updateTools() {
  const count = errors?.places.length ?? 0;
  $("errors").hidden = !errors;
  $("largest").disabled = !count;
  $("previous").disabled = place <= 0;
  $("next").disabled = place + 1 >= count;
  $("differences").disabled = !overlays.differences;
}

function showLegend() {
  const chip = ({ name, colour }) => {
    const made = element("span", undefined, "chip");
    made.style.background = css(colour);
    return [made, name];
  };
  const present = new Uint8Array(256);
  for (const part of [overlays.truth, overlays.prediction]) for (const position of part?.img ?? []) present[position] = 1;
  const labels = labelColours().filter(({ position }) => present[position]);
  $("legend").replaceChildren(...[...labels, ...($("differences").checked && overlays.differences ? KINDS : [])].flatMap(chip));
}

function showLocation({ mm, values }) {
  const named = (volume) => values.find(({ id }) => id === volume?.id)?.value;
  const label = (volume) => {
    const position = Math.round(named(volume));
    return run.labels[position]?.name ?? STRANGER.name;
  };
  const parts = [`${[0, 1, 2].map((axis) => mm[axis].toFixed(1)).join(", ")} mm (RAS)`, `scan ${Number(named(viewer.volumes[0]) ?? NaN).toFixed(1)}`];
  if (overlays.truth) parts.push(`truth ${label(overlays.truth)}`);
  if (overlays.prediction) parts.push(`prediction ${label(overlays.prediction)}`);
  $("location").textContent = parts.join(" · ");
}

/** NiiVue outlines all label maps or none; here, the truth alone. */
class Viewer extends niivue.Niivue {
  refreshLayers(part, layer) {
    this.opts.atlasOutline = part === overlays.truth && part.opacity > 0 ? 1 : 0;
    super.refreshLayers(part, layer);
  }
}

/** In 3D, the scan hides what lies in it: it is cut away, down to the last voxel, unless it is asked for. */
function showScanIn3D() {
  const [nothing, everything] = [2, -1.8]; // distance of the cut from the middle, in halves of the volume's diagonal
  viewer.setClipPlane([$("solid").checked ? nothing : everything, 0, 0]);
}

async function startViewer() {
  viewer = new Viewer({
    dragAndDropEnabled: false,
    isRadiologicalConvention: true,
    show3Dcrosshair: true,
    multiplanarShowRender: niivue.SHOW_RENDER.ALWAYS,
    multiplanarLayout: niivue.MULTIPLANAR_TYPE.GRID,
    tileMargin: 4,
    crosshairWidthUnit: "percent",
    crosshairWidth: 0.4,
    crosshairColor: [1, 0.25, 0.2, 0.9],
    clipPlaneColor: [0, 0, 0, 0],
    loadingText: "",
    logLevel: "error",
  });
  viewer.onLocationChange = showLocation;
  await viewer.attachToCanvas($("canvas"));
  showScanIn3D();
}

// Controls.

function toggle(id) {
  if ($(id).disabled) return;
  $(id).checked = !$(id).checked;
  showLayers();
  showLegend();
}

function step(by) {
  const next = Math.min(Math.max(shown + by, 0), run.cases.length - 1);
  document.querySelector(`tr.case[data-position="${next}"]`).click();
}

const KEYS = {
  t: () => toggle("truth"),
  p: () => toggle("prediction"),
  e: () => toggle("differences"),
  Enter: () => goTo(0),
  ",": () => goTo(place - 1),
  ".": () => goTo(place + 1),
  ArrowUp: () => step(-1),
  ArrowDown: () => step(1),
};

function listen() {
  $("largest").addEventListener("click", () => goTo(0));
  $("previous").addEventListener("click", () => goTo(place - 1));
  $("next").addEventListener("click", () => goTo(place + 1));
  for (const id of ["truth", "prediction", "differences"]) {
    $(id).addEventListener("change", () => { showLayers(); showLegend(); });
  }
  $("opacity").addEventListener("input", showLayers);
  $("solid").addEventListener("change", showScanIn3D);
  $("slices").addEventListener("change", () => viewer.setSliceType(Number($("slices").value)));
  $("channel").addEventListener("change", () => show(shown, Number($("channel").value), false));
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("select, input[type=range]")) return;
    if (["Enter", " "].includes(key) && target.matches("button, input, tr")) return;
    const act = KEYS[key];
    if (!act) return;
    event.preventDefault();
    act();
  }, true);
}

async function start() {
  run = await (await load("cases.json")).json();
  showList();
  if (!run.cases.length) {
    $("message").textContent = "There is no case in the tables of this folder.";
    return;
  }
  await startViewer();
  listen();
  window.addEventListener("hashchange", openWanted);
  await openWanted();
}

start().catch((problem) => {
  document.body.dataset.state = "failed";
  $("message").textContent = problem.message;
});
