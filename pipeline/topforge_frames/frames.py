"""`frames`: the pictures to find cameras for, out of a video or a folder of photographs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Callable, Dict, List

from PIL import Image

from topforge import atomic
from topforge_frames import frames_picture, photos, selection, sharpness, video
from topforge_frames.failures import EmptyRangeError, NoSourceError

Say = Callable[[float, str], None]
"""Takes progress from 0 to 1, and what is being done."""

JUDGED = 0.6
"""Progress when all frames were looked at."""
THUMBNAIL = 320


@dataclasses.dataclass(frozen=True)
class Choice:
    """What to take; the adapter's options of the same names say more."""

    by: str = "count"
    amount: float = 150.0
    sharpest: bool = True
    blur_limit: float = 0.25
    start: float = 0.0
    end: float = 0.0
    maximum_size: int = 0
    form: str = "jpg"


def run(source: Path, out: Path, choice: Choice, say: Say) -> Dict[str, Any]:
    """Writes `images/` (and `masks/`), frames.json and frames.png into `out`; returns what frames.json says.

    Raises:
        TopForgeError: Nothing usable is there.
    """
    (out / "images").mkdir(parents=True, exist_ok=True)
    if not source.exists():
        raise NoSourceError(source, "there is no such file or folder")
    made = _from_video(source, out, choice, say) if source.is_file() else _from_photos(source, out, choice, say)
    frames_picture.write(out / "frames.png", out / "images", made)
    atomic.write_json(out / "frames.json", made)
    say(1.0, "%d frames" % len(made["frames"]))
    return made


def _from_video(path: Path, out: Path, choice: Choice, say: Say) -> Dict[str, Any]:
    """Judges every frame, takes the sharpest of each stretch."""
    film = video.describe(path)
    values = _judge(film, choice, say)
    length = selection.length_of_stretch(choice.by, choice.amount, len(values), film.frame_rate)
    taken, blurred = selection.choose(values, length, choice.sharpest, choice.blur_limit)
    relative = dict(zip(taken, sharpness.relative([values[index] for index in taken])))
    entries: List[Dict[str, Any]] = []
    pictures = video.chosen_frames(film, taken, choice.start, choice.end, choice.maximum_size)
    for number, (index, pixels) in enumerate(zip(taken, pictures), start=1):
        name = "%06d.%s" % (number, choice.form)
        photos.save(Image.fromarray(pixels), out / "images" / name)
        seconds = choice.start + index / film.frame_rate
        entry = {"file": name, "frame": index, "seconds": round(seconds, 4), "sharpness": values[index]}
        entries.append({**entry, "relative_sharpness": float(relative[index])})
        say(JUDGED + (0.98 - JUDGED) * number / len(taken), "writing frame %d of %d" % (number, len(taken)))
    left_out = [{"frame": index, "sharpness": values[index]} for index in blurred]
    facts = {"width": film.width, "height": film.height, "frame_rate": film.frame_rate, "frames": len(values)}
    return {"kind": "video", "source": path.name, "video": facts, "frames": entries, "blurred": left_out}


def _judge(film: video.Video, choice: Choice, say: Say) -> List[float]:
    """Sharpness of every frame between start and end."""
    span = (choice.end or film.duration) - choice.start
    expected = max(1.0, span * film.frame_rate)
    values: List[float] = []
    for frame in video.small_frames(film, choice.start, choice.end):
        values.append(sharpness.of(frame))
        if len(values) % 25 == 0:
            say(min(JUDGED, JUDGED * len(values) / expected), "judging frame %d of about %d" % (len(values), expected))
    if not values:
        raise EmptyRangeError(film.path, choice.start, choice.end, film.duration)
    return values


def _from_photos(folder: Path, out: Path, choice: Choice, say: Say) -> Dict[str, Any]:
    """Takes all: somebody chose them. Blurred ones are named, never dropped."""
    found = photos.find(folder)
    masks = folder / "masks"
    entries: List[Dict[str, Any]] = []
    for number, path in enumerate(found, start=1):
        say(0.98 * (number - 1) / len(found), "photograph %d of %d" % (number, len(found)))
        target = photos.hand_on(path, out / "images", choice.maximum_size)
        mask = photos.mask_of(path, masks)
        if mask is not None:
            (out / "masks").mkdir(exist_ok=True)
            photos.hand_on_mask(mask, path, target, out / "masks")
        value = sharpness.of(photos.grey(target, sharpness.SIDE))
        entries.append({"file": target.name, "sharpness": value, "mask": mask is not None})
    relative = sharpness.relative([entry["sharpness"] for entry in entries])
    for entry, share in zip(entries, relative):
        entry["relative_sharpness"] = float(share)
    blurred = [entry for entry in entries if entry["relative_sharpness"] < choice.blur_limit]
    return {"kind": "photos", "source": folder.name, "frames": entries, "blurred": blurred}
