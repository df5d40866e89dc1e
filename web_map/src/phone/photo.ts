/** Photos made small before they leave the phone; what the camera wrote into them (place, time, device) stays behind. */

const LONGEST_PX = 1600;
const QUALITY = 0.85;

/** A file that this browser cannot show. */
export class NoPicture extends Error {}

/** Size of a picture that fits: never larger than it was. */
export function fit(width: number, height: number, longest = LONGEST_PX): [width: number, height: number] {
  const scale = Math.min(1, longest / Math.max(width, height, 1));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** Draw a picture anew as a JPEG of at most 1,600 pixels: only what is seen goes on, turned as it was taken. */
export async function shrink(file: Blob): Promise<Blob> {
  const url = URL.createObjectURL(file);
  try {
    const picture = await load(url);
    const [width, height] = fit(picture.naturalWidth, picture.naturalHeight);
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    if (!context) throw new NoPicture();
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(picture, 0, 0, width, height);
    return await new Promise<Blob>((done, fail) =>
      canvas.toBlob((blob) => (blob ? done(blob) : fail(new NoPicture())), "image/jpeg", QUALITY),
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

function load(url: string): Promise<HTMLImageElement> {
  return new Promise((done, fail) => {
    const picture = new Image();
    picture.onload = () => (picture.naturalWidth > 0 ? done(picture) : fail(new NoPicture()));
    picture.onerror = () => fail(new NoPicture());
    picture.src = url;
  });
}

/** A name for a photo: when it was added. */
export function photoName(at: number): string {
  const stamp = new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString();
  return `${stamp.slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}.jpg`;
}
