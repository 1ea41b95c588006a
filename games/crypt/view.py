"""Draws the crypt: ray casting for walls, floor and ceiling, then sprites by depth, then the strip on top.

A ray goes through the grid as in Amanatides and Woo 1987, "A fast voxel traversal algorithm for ray tracing"; floor and
ceiling are as in Lode Vandevenne, "Raycasting" (2004). Everything is done for a whole batch at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Ints
from reverie.games.crypt.levels import SIDE
from reverie.games.crypt.sprites import BAT, GEM, ICON, ICON_COLOURS, WRAITH, sprites
from reverie.games.crypt.textures import CEILING, EDGE, FLOOR, LEVELS, filtered_textures
from reverie.games.kit import art

if TYPE_CHECKING:
    from reverie.games.crypt.rules import State

Floats = NDArray[np.float32]
TURNS = 48
"""Steps of a whole turn: 7.5 degrees each. After so many the same view comes back."""
ANGLES = np.arange(TURNS) * 2 * np.pi / TURNS
HEADINGS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1).astype(np.float32)
"""(TURNS, 2) x and y."""
TANGENT = np.float32(np.tan(np.radians(33)))
"""Half of the field of view, 66 degrees."""
STRIP = 8
"""Height of the strip on top, px at 64x64."""
FOG = np.float32(0.11)
"""How soon it gets dark."""
NEAREST = 0.2
"""A sprite closer than this is not drawn."""
SIZES = {GEM: 0.7, WRAITH: 0.95, BAT: 0.6}
RISE = {GEM: -0.12, WRAITH: 0.0, BAT: 0.18}
"""How far above the middle of the wall the middle of a sprite is, in walls."""


class Hits(NamedTuple):
    """Where rays (B, W) end: depth (along the view), what they hit, where along the wall (0..1), which way it faces."""

    depth: Floats
    wall: NDArray[np.uint8]
    along: Floats
    faces_y: NDArray[np.bool_]


def cast(grid: NDArray[np.uint8], place: Floats, ray: Floats) -> Hits:
    """Follow rays (B, W, 2) from place (B, 2) through grid (B, SIDE, SIDE) to the first wall."""
    batch, width = ray.shape[:2]
    count = batch * width
    flat, walls = ray.reshape(-1, 2), grid.reshape(-1)
    origin = np.repeat(place, width, axis=0)  # (B * W, 2)
    base = np.repeat(np.arange(batch) * SIDE * SIDE, width)
    cell = np.floor(origin).astype(np.int64)
    with np.errstate(divide="ignore"):
        delta = np.abs(1 / flat).astype(np.float32)
    step = np.where(flat < 0, -1, 1)
    part = origin - cell
    side = np.where(flat < 0, part, 1 - part) * delta  # depth of the next line in x and in y
    side = np.where(np.isfinite(side), side, np.float32(1e9))
    at = base + cell[:, 1] * SIDE + cell[:, 0]
    stride = np.stack([step[:, 0], step[:, 1] * SIDE], axis=1)
    hit, depth, over_y = np.zeros(count, np.uint8), np.zeros(count, np.float32), np.zeros(count, np.bool_)
    rows = np.arange(count)
    sx, sy, dx, dy, tx, ty = side[:, 0], side[:, 1], delta[:, 0], delta[:, 1], stride[:, 0], stride[:, 1]
    while len(rows):
        y_first = sy < sx
        far = np.where(y_first, sy, sx)
        at = at + np.where(y_first, ty, tx)
        found = walls[at]
        done = found > 0
        if done.any():
            ended = rows[done]
            hit[ended], depth[ended], over_y[ended] = found[done], far[done], y_first[done]
            left = ~done
            rows, at, sx, sy, y_first = rows[left], at[left], sx[left], sy[left], y_first[left]
            dx, dy, tx, ty = dx[left], dy[left], tx[left], ty[left]
        sx, sy = np.where(y_first, sx, sx + dx), np.where(y_first, sy + dy, sy)
    touched = np.where(over_y, origin[:, 0] + depth * flat[:, 0], origin[:, 1] + depth * flat[:, 1])
    along = (touched % 1).astype(np.float32)
    shape = (batch, width)
    return Hits(np.maximum(depth, 0.05).reshape(shape), hit.reshape(shape), along.reshape(shape), over_y.reshape(shape))


def camera(place: Floats, heading: Ints, width: int) -> tuple[Floats, Floats, Floats]:
    """Direction (B, 2), plane (B, 2) and rays (B, W, 2) of cameras with headings (B,) in steps of a turn."""
    ahead = HEADINGS[heading]
    plane = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * TANGENT
    column = ((np.arange(width) + 0.5) * 2 / width - 1).astype(np.float32)
    return ahead, plane, ahead[:, None] + plane[:, None] * column[:, None]


def draw(size: int, s: State) -> NDArray[np.uint8]:
    """Pictures (B, size, size, 3) uint8 RGB of B states."""
    scale = size // 64
    high, batch = size - STRIP * scale, len(s.heading)
    place = s.place.astype(np.float32)
    ahead, plane, ray = camera(place, s.heading, size)
    hits = cast(s.grid, place, ray)
    picture = np.empty((batch, size, size, 3), np.uint8)
    scene = _surfaces(place, ray, hits, high)  # (B, high, W, 3)
    _sprites(scene, s, place, ahead, plane, hits.depth)
    _effects(scene, s)
    picture[:, STRIP * scale :] = np.clip(scene, 0, 255).astype(np.uint8)
    strip = np.zeros((batch, size, size), np.uint32)
    art.hud(strip, s, art.hud_glyphs(size, ICON, ICON_COLOURS))
    picture[:, : STRIP * scale] = art.to_rgb(strip)[:, : STRIP * scale]
    return picture


def _surfaces(place: Floats, ray: Floats, hits: Hits, high: int) -> Floats:
    """Walls, floor and ceiling, (B, high, W, 3) float32."""
    surfaces = filtered_textures()
    textures, surfaces = surfaces.shape[1], surfaces.reshape(-1, 3)
    middle = np.float32(high / 2)
    row = (np.arange(high) + 0.5 - middle).astype(np.float32)  # px below the horizon
    wall_height = high / hits.depth  # (B, W), px
    level = np.float32(high / 2) / np.maximum(np.abs(row), 0.5)  # (high,), depth of floor and ceiling
    is_wall = np.abs(row)[:, None] < wall_height[:, None] / 2  # (B, high, W)
    ground = place[:, None, None] + level[:, None, None] * ray[:, None]  # (B, high, W, 2)
    texel = (ground % 1 * EDGE).astype(np.int32)
    flat = np.where(row > 0, FLOOR, CEILING).astype(np.int32)[:, None]
    index = (flat * EDGE + texel[..., 1]) * EDGE + texel[..., 0]
    up = row[:, None] / wall_height[:, None] + np.float32(0.5)  # (B, high, W), 0..1 down the wall
    wall_y = np.clip(up * EDGE, 0, EDGE - 1).astype(np.int32)
    wall_x = (hits.along * EDGE).astype(np.int32).clip(0, EDGE - 1)
    wall_index = (hits.wall.astype(np.int32)[:, None] * EDGE + wall_y) * EDGE + wall_x[:, None]
    index = np.where(is_wall, wall_index, index)
    depth = np.where(is_wall, hits.depth[:, None], level[:, None])
    steep = np.where(is_wall, np.float32(1), np.float32(1) + depth)  # floor and ceiling are seen at a slant
    texels = depth * (EDGE / high) * steep  # in a pixel
    mip = np.clip(np.log2(np.maximum(texels, 1)), 0, LEVELS - 1).astype(np.int32)
    index += mip * (textures * EDGE * EDGE)
    light = 1 / (1 + FOG * depth * depth)
    light = np.where(is_wall & hits.faces_y[:, None], light * np.float32(0.72), light)
    scene: Floats = surfaces[index]
    scene *= light[..., None]
    return scene


def _sprites(scene: Floats, s: State, place: Floats, ahead: Floats, plane: Floats, walls: Floats) -> None:
    """Draw what stands in the crypt, the farthest first, where no wall is in front of it."""
    colours, there = sprites()
    high, width = scene.shape[1:3]
    things = np.concatenate([s.gems, s.wraith[:, None], s.bat[:, None]], axis=1)  # (B, K, 2)
    kinds = [GEM] * s.gems.shape[1] + [WRAITH, BAT]
    away = things - place[:, None]
    depth = (away * ahead[:, None]).sum(-1)  # (B, K)
    with np.errstate(divide="ignore", invalid="ignore"):
        across = (away * plane[:, None]).sum(-1) / TANGENT**2 / depth  # -1 at the left edge, 1 at the right
    seen = (depth > NEAREST) & (np.abs(across) < 1 + 1 / np.maximum(depth, NEAREST))
    seen &= depth < walls.max(axis=1)[:, None] + 1
    order = np.argsort(-depth, axis=1)
    for b in np.flatnonzero(seen.any(axis=1)):
        for k in order[b]:
            if not seen[b, k]:
                continue
            kind, far = kinds[k], float(depth[b, k])
            edge = SIZES[kind] * high / far
            left = (float(across[b, k]) + 1) * width / 2 - edge / 2
            top = high / 2 - RISE[kind] * high / far - edge / 2
            x0, x1 = max(round(left), 0), min(round(left + edge), width)
            y0, y1 = max(round(top), 0), min(round(top + edge), high)
            if x0 >= x1 or y0 >= y1:
                continue
            columns = np.flatnonzero(walls[b, x0:x1] > far) + x0
            if not len(columns):
                continue
            u = ((columns + 0.5 - left) * 16 / edge).astype(int).clip(0, 15)
            v = ((np.arange(y0, y1) + 0.5 - top) * 16 / edge).astype(int).clip(0, 15)
            shown = there[kind][v[:, None], u]
            dark = 1 / (1 + float(FOG) * far * far)
            light = 0.35 + 0.65 * dark if kind == GEM else dark
            over = colours[kind][v[:, None], u] * light
            part = scene[b, y0:y1, columns]  # (columns, rows, 3): numpy puts the picked axis first
            scene[b, y0:y1, columns] = np.where(shown.T[..., None], over.transpose(1, 0, 2), part)


def _effects(scene: Floats, s: State) -> None:
    """The blade while it swings, and red while a wound is fresh."""
    high, width = scene.shape[1:3]
    y, x = np.mgrid[:high, :width] / high  # of the height
    for phase in (1, 2, 3):
        rows = np.flatnonzero(s.swing == phase)
        if len(rows):
            tip = 0.25 + 0.22 * phase
            blade = np.abs((x - 0.95) + (y - 1.0) * (tip - 0.95) / -0.55) < 0.035 * (0.3 + y)
            blade &= y > 0.45
            scene[rows[:, None], blade] = np.array([225, 232, 250]) * (0.55 + 0.45 * y[blade])[:, None]
    fresh = np.flatnonzero(s.wound > 0)
    if len(fresh):
        strength = (s.wound[fresh] / 12).astype(np.float32)[:, None, None]
        scene[fresh, ..., 0] = scene[fresh, ..., 0] * (1 - 0.5 * strength) + 200 * 0.5 * strength
        scene[fresh, ..., 1:] *= (1 - 0.6 * strength)[..., None]
