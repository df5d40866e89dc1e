/** Drawings of the tools and buttons, 20 by 20, in the colour of the text. */

const PATHS = {
  pan: "M7 10V4.5a1.3 1.3 0 0 1 2.6 0V9m0-1V3.3a1.3 1.3 0 0 1 2.6 0V9m0-4a1.3 1.3 0 0 1 2.6 0v6.5c0 3.5-2 5.5-5 5.5-2.4 0-3.6-1-4.8-3.2l-1.6-3c-.5-1 .9-1.9 1.7-1L7 12",
  paint: "M11.5 8.5 17 3l-5.5 5.5Zm-1.8.3 2 2M10 8.5l2.5 2.5-1.2 1.5c-.4 3-3 4.5-8.3 4.5 1.7-1 1.9-2 2.2-3.6.4-2.3 2-3.5 3.5-3.7L10 8.5Z",
  move: "M7 7h6v6H7zM10 2v3m0 10v3M2 10h3m10 0h3M8.5 3.5 10 2l1.5 1.5m-3 13L10 18l1.5-1.5m-8-8L2 10l1.5 1.5m13-3L18 10l-1.5 1.5",
  lasso: "M10 3c4.4 0 7.5 2.1 7.5 5s-3.100 5-7.500 5c-4.400 0-7.500-2.100-7.500-5S5.600 3 10 3ZM6 12.200c-1.500.5-2 1.800-1 2.800s2.500.3 2.300-1.200M5.500 15.300c.2 1 0 1.700-.8 2.200",
  box: "M3 6V3h3m4 0h.01M14 3h3v3m0 4v.01M17 14v3h-3m-4 0h-.01M6 17H3v-3m0-4v-.01",
  block: "M2 4h5v5H2zM13 4h5v5h-5zM2 13h5v4H2zM13 13h5v4h-5zM10 2v16",
  compound: "M3 17V8l4-3 4 3v9M11 17v-6h6v6M2 17h16M6 10.500h2M6 13.500h2m6 .5h1",
  split: "M4 3h5v14H4zM11 3h5v14h-5M13 2 7 18",
  draw: "M3 13c2-7 4 1 6-4s4-7 8-5M13.500 12.500l3 3M12 17l.7-3 4-4 2.300 2.300-4 4-3 .7Z",
  cut: "M4 4h12v12H4zM12 2 8 18M6.500 9.500h1M12.500 12.500h1.500",
  merge: "M3 5h5.500v10H3zM11.500 5H17v10h-5.500zM6 10h8m-2-2 2 2-2 2",
  lock: "M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9M10 12v2",
  note: "M10 18s6-6.500 6-10.500a6 6 0 0 0-12 0C4 11.500 10 18 10 18ZM7.500 6.500h5M7.500 9h3.500",
  base: "M10 3 3 6.500l7 3.500 7-3.500L10 3ZM3 10l7 3.500 7-3.500M3 13.500 10 17l7-3.500",
  building: "M4 17V5l7-2v14M11 8l5 1.500V17M2 17h16M6.500 7.500h2m-2 3h2m-2 3h2m5-1.500h.01m-.01 2.500h.01",
  street: "M6 3 3 17M14 3l3 14M10 3v2.500m0 3v2.500m0 3V17",
  gate: "M3 17V7h3v10m8 0V7h3v10M2 17h5m6 0h5M6 9c2-3 6-3 8 0M10 12v.01",
  retire: "M5 6h10v11H5zM3 6h14M8 3h4M8 9.500l4 4m0-4-4 4",
  undo: "M4 8h8a4.500 4.500 0 0 1 0 9H8M4 8l4-4M4 8l4 4",
  redo: "M16 8H8a4.500 4.500 0 0 0 0 9h4m4-9-4-4m4 4-4 4",
  previous: "m12 5-5 5 5 5",
  next: "m8 5 5 5-5 5",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  close: "m5 5 10 10M15 5 5 15",
  help: "M7 7.500A3 3 0 1 1 11 10.300c-.8.5-1 .9-1 1.700M10 15v.01",
  more: "M4 10h.01M10 10h.01M16 10h.01",
  target: "M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12ZM10 2v4m0 8v4M2 10h4m8 0h4",
  person: "M10 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 17c.5-3.500 2.500-5 6-5s5.500 1.500 6 5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg viewBox="0 0 20 20" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
