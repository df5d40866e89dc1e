/** What may wait until a frame is drawn. */

/** Call back when the next frame is drawn, so that it waits for nothing. */
export const afterFrame = (work: () => void): void => void requestAnimationFrame(() => setTimeout(work));
