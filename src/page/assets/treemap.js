// Where cells lie: a squarified treemap (Bruls, Huizing, van Wijk, "Squarified Treemaps", 2000). Rows are filled along the
// shorter side of what is left for as long as that makes their cells squarer.

/** Rectangles `{x, y, w, h}` that fill a rectangle, each with an area in proportion to its weight, in the weights' order. */
export function squarified(weights, { x, y, w, h }) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scale = total > 0 ? (w * h) / total : 0;
  // The largest first; the places go back to where their weights stood.
  const order = weights.map((weight, at) => ({ at, area: weight * scale })).sort((a, b) => b.area - a.area);
  const places = new Array(weights.length);
  let free = { x, y, w, h };
  for (let from = 0; from < order.length; ) {
    const side = Math.min(free.w, free.h);
    let to = from + 1;
    while (to < order.length && worst(order.slice(from, to + 1), side) <= worst(order.slice(from, to), side)) to += 1;
    free = lay(order.slice(from, to), free, places);
    from = to;
  }
  return places;
}

/** How far from square the worst cell of a row is that stands along a side. */
function worst(row, side) {
  const areas = row.map((one) => one.area);
  const sum = areas.reduce((all, area) => all + area, 0);
  if (sum === 0 || side === 0) return Infinity;
  const ratio = (area) => Math.max((side * side * area) / (sum * sum), (sum * sum) / (side * side * area));
  return Math.max(...areas.map(ratio));
}

/** Lays a row along the shorter side; what is left free. */
function lay(row, free, places) {
  const sum = row.reduce((all, one) => all + one.area, 0);
  const tall = free.h <= free.w;
  const side = tall ? free.h : free.w;
  const depth = side > 0 ? sum / side : 0;
  let along = 0;
  for (const { at, area } of row) {
    const length = depth > 0 ? area / depth : 0;
    places[at] = tall
      ? { x: free.x, y: free.y + along, w: depth, h: length }
      : { x: free.x + along, y: free.y, w: length, h: depth };
    along += length;
  }
  return tall
    ? { x: free.x + depth, y: free.y, w: free.w - depth, h: free.h }
    : { x: free.x, y: free.y + depth, w: free.w, h: free.h - depth };
}
