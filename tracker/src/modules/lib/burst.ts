/** Rage: at least three clicks, each within a second and 30 px of the one before. */

const MS = 1_000;
const PX = 30;

/** Gives true at the third click of a burst, once a burst. */
export const burst = (): ((time: number, x: number, y: number) => boolean) => {
  let count = 0;
  let [t, px, py] = [-MS * 2, 0, 0];
  return (time, x, y) => {
    count = time - t <= MS && Math.hypot(x - px, y - py) <= PX ? count + 1 : 1;
    [t, px, py] = [time, x, y];
    return count === 3;
  };
};
