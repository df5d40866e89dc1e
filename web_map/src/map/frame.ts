/** What is done in a frame, and what may wait until it is drawn. */

let drawing = false;

/** Do something just before the next frame is drawn. */
export const inFrame = (work: () => void): number =>
  requestAnimationFrame(() => {
    drawing = true;
    try {
      work();
    } finally {
      drawing = false;
    }
  });

/** Call back when the next frame is drawn, so that it waits for nothing; out of `inFrame` that is this frame. */
export const afterFrame = (work: () => void): void => {
  // To ask for a frame wakes the threads that draw, which takes longer than a stroke.
  if (drawing) setTimeout(work);
  else requestAnimationFrame(() => setTimeout(work));
};
