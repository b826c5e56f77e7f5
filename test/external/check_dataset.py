#!/usr/bin/env python3
"""Checks a finished output folder with nothing of the program's own: Pillow decodes, NumPy computes.

    python3 test/external/check_dataset.py aug [--sources DIR] [--recompute]

Every image decodes and has a row; rows sum to 1; labels.csv, metadata.jsonl, classes.txt and provenance.jsonl agree;
each row is lambda y1 + (1 - lambda) y2 of its sources' labels. With --recompute, for a run made with --write-masks, each
mix is made again in float64, x' = M x1 + (1 - M) T(x2), and must agree within 2 grey levels (PNG), and lambda with
mean(M).
Needs Python 3, Pillow and NumPy. Exits 1 and lists what is wrong.
"""
import argparse
import csv
import hashlib
import io
import json
import re
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

NUMERIC_NAME = re.compile(r'images/\d{5}/\d{9}\.(jpg|png)')
GREY_LEVELS = 2
TOLERANCE = 1e-6


class Report:
    def __init__(self):
        self.problems = []
        self.worst = {}
        self.not_compared = 0

    def check(self, good, place, text):
        if not good:
            self.problems.append(f'{place}: {text}')
        return good

    def measure(self, what, value):
        self.worst[what] = max(self.worst.get(what, 0.0), float(value))
        return value


def read_lines(file):
    return [json.loads(line) for line in file.read_text(encoding='utf-8').splitlines()]


def source_labels(root, manifest, classes):
    """A function from a source's path to its label, by the folder's labels.csv or else by class folders."""
    manifest = manifest or root / 'labels.csv'
    if not manifest.is_file():
        return lambda file: one_hot(classes.index(file.split('/')[0]), len(classes))
    with open(manifest, newline='', encoding='utf-8-sig') as text:
        rows = list(csv.DictReader(text))
    if 'label' in rows[0]:
        labels = {row['file_name']: one_hot(classes.index(row['label']), len(classes)) for row in rows}
    else:
        labels = {row['file_name']: np.array([float(row[name]) for name in classes]) for row in rows}
    return lambda file: labels[file] / labels[file].sum()


def own_label(source, classes):
    """The label that a pair gave its source in place of the manifest's: a class name, or weights by class name."""
    label = source['label']
    weights = {label: 1.0} if isinstance(label, str) else label
    return np.array([weights.get(name, 0.0) for name in classes])


def one_hot(index, size):
    return np.eye(size)[index]


@lru_cache(maxsize=64)
def decode_source(file):
    """Upright sRGB pixels over white, [H, W, 3], or None for CMYK, which Pillow does not convert by profile."""
    picture = ImageOps.exif_transpose(Image.open(file))
    if picture.mode == 'CMYK':
        return None
    if picture.mode.startswith('I'):
        picture = Image.fromarray(np.rint(np.asarray(picture) / 257).astype(np.uint8))
    if picture.mode == 'RGB' and 'icc_profile' in picture.info:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info['icc_profile']))
        picture = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile('sRGB'))
    canvas = Image.new('RGBA', picture.size, 'white')
    canvas.alpha_composite(picture.convert('RGBA'))
    return np.asarray(canvas.convert('RGB'))


@lru_cache(maxsize=64)
def sha256_of(file):
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def lanczos_matrix(inputs, start, length, outputs):
    """[outputs, inputs] weights that resample the stretch of `length` pixels from `start`; Lanczos 3, antialiased."""
    scale = length / outputs
    stretch = max(scale, 1)
    centres = start + (np.arange(outputs)[:, None] + 0.5) * scale
    x = (np.arange(inputs)[None, :] + 0.5 - centres) / stretch
    weights = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    return weights / weights.sum(axis=1, keepdims=True)


def cover(pixels, width, height):
    """The centre of the picture at `width` x `height`, rounded to whole grey levels."""
    h, w, _ = pixels.shape
    if (w, h) == (width, height):
        return pixels.astype(np.float64)
    scale = min(w / width, h / height)
    rows = lanczos_matrix(h, (h - scale * height) / 2, scale * height, height)
    columns = lanczos_matrix(w, (w - scale * width) / 2, scale * width, width)
    return np.clip(np.rint(np.einsum('yi,ijc,xj->yxc', rows, pixels, columns, optimize=True)), 0, 255)


def moved(pixels, dx, dy):
    """The picture `dx` to the right and `dy` down, and where it still covers the frame."""
    h, w, _ = pixels.shape
    result, covered = np.zeros_like(pixels), np.zeros((h, w), bool)
    to = (slice(max(dy, 0), h + min(dy, 0)), slice(max(dx, 0), w + min(dx, 0)))
    of = (slice(max(-dy, 0), h + min(-dy, 0)), slice(max(-dx, 0), w + min(-dx, 0)))
    result[to], covered[to] = pixels[of], True
    return result, covered


def check_row(report, row, facts, provenance, classes, label_of, original_names):
    """One line of labels.csv against the same lines of metadata.jsonl and provenance.jsonl."""
    place = row[0]
    texts = row[1:]
    report.check(all('.' in text for text in texts), place, 'a weight is written without a decimal point')
    label = np.array([float(text) for text in texts])
    report.check(report.measure('sum of a row - 1', abs(label.sum() - 1)) <= TOLERANCE, place, f'sums to {label.sum()}')
    report.check((label >= 0).all() and (label <= 1).all(), place, 'has a weight outside 0 .. 1')
    report.check(original_names or NUMERIC_NAME.fullmatch(place), place, 'is not a numeric name')
    report.check(facts['file_name'] == place == provenance['file_name'], place, 'stands on different lines')
    report.check(np.array_equal(facts['soft_label'], label), place, 'soft_label differs from labels.csv')
    report.check(facts['label'] == classes[int(label.argmax())], place, 'label is not the heaviest class')
    report.check(facts['lambda'] == provenance['lambda'], place, 'lambda differs')
    files = [source['file'] for source in provenance['sources']]
    report.check([facts['source_a'], facts['source_b']] == [files[0], files[-1]], place, 'sources differ')
    weights = [provenance['lambda'], 1 - provenance['lambda']][:len(files)]
    labels = [own_label(source, classes) if 'label' in source else label_of(source['file'])
              for source in provenance['sources']]
    expected = sum(weight * label for weight, label in zip(weights, labels))
    difference = report.measure('row - lambda y1 - (1 - lambda) y2', np.abs(expected - label).max())
    report.check(difference <= TOLERANCE, place, f'label is {label}, its sources give {expected}')


def check_pixels(report, out, root, provenance, recompute):
    place = provenance['file_name']
    with Image.open(out / place) as picture:
        picture.load()
        report.check(picture.mode == 'RGB', place, f'has mode {picture.mode}')
        size = list(picture.size)
        report.check(size == provenance['canvas'], place, f'is {size}, not {provenance["canvas"]}')
        actual = np.asarray(picture, np.float64)
    if not recompute:
        return
    files = [str(root / source['file']) for source in provenance['sources']]
    for file, source in zip(files, provenance['sources']):
        report.check(sha256_of(file) == source['sha256'], place, f'source {source["file"]} has changed')
    decoded = [decode_source(file) for file in files]
    if any(pixels is None for pixels in decoded):
        report.not_compared += 1
        return
    sources = [cover(pixels, *provenance['canvas']) for pixels in decoded]
    expected = sources[0] if len(sources) == 1 else remix(report, out, provenance, sources)
    if place.endswith('.png'):
        difference = report.measure('grey levels from the recomputed mix', np.abs(expected - actual).max())
        report.check(difference <= GREY_LEVELS, place, f'is {difference:.2f} grey levels off')
    else:
        report.measure('mean grey levels from the recomputed mix (JPEG)', np.abs(expected - actual).mean())


def remix(report, out, provenance, sources):
    place = provenance['file_name']
    mask = np.load(out / re.sub(r'^images/(.*)\.\w+$', r'masks/\1.npy', place)).astype(np.float64)
    width, height = provenance['canvas']
    report.check(mask.shape == (height, width), place, f'mask has shape {mask.shape}')
    report.check(mask.min() >= 0 and mask.max() <= 1, place, 'mask leaves 0 .. 1')
    difference = report.measure('lambda - mean(M)', abs(mask.mean() - provenance['lambda']))
    report.check(difference <= TOLERANCE, place, f'lambda {provenance["lambda"]} is not the mean mask {mask.mean()}')
    dx, dy = provenance.get('offset', [0, 0])
    if 'grid' in provenance:
        scaled = np.array(provenance['shift']) * provenance['canvas'] / provenance['grid']
        report.check(np.abs(scaled - [dx, dy]).max() <= 0.5, place, 'offset is not the shift on the canvas')
    partner, covered = moved(sources[1], dx, dy)
    report.check((mask[~covered] == 1).all(), place, 'mask is not 1 where the partner does not cover the picture')
    return mask[..., None] * sources[0] + (1 - mask[..., None]) * partner


def check_dataset(arguments):
    report, out = Report(), arguments.folder
    run = json.loads((out / 'run.json').read_text(encoding='utf-8'))
    root = arguments.sources or out / run['images']
    report.check(run.get('complete') is True, 'run.json', 'is not complete')
    classes = (out / 'classes.txt').read_text(encoding='utf-8').splitlines()
    with open(out / 'labels.csv', newline='', encoding='utf-8') as text:
        header, *rows = csv.reader(text)
    named = [name[1:] if name.startswith("'") and name not in classes else name for name in header[1:]]
    report.check(header[0] == 'file_name' and named == classes, 'labels.csv', 'header is not file_name and the classes')
    metadata, provenance = read_lines(out / 'metadata.jsonl'), read_lines(out / 'provenance.jsonl')
    report.check(len(rows) == len(metadata) == len(provenance) == run['counts']['written'], 'rows', 'differ in number')
    on_disk = {file.relative_to(out).as_posix() for file in (out / 'images').rglob('*') if file.is_file()}
    report.check(on_disk == {row[0] for row in rows}, 'images', 'files and rows are not the same')
    report.check(len({row[0] for row in rows}) == len(rows), 'labels.csv', 'a file has two rows')
    indices = [row['index'] for row in provenance]
    report.check(indices == sorted(set(indices)), 'provenance.jsonl', 'indices do not rise')
    label_of = source_labels(root, arguments.labels, classes)
    for row, facts, made in zip(rows, metadata, provenance):
        check_row(report, row, facts, made, classes, label_of, arguments.any_names)
        try:
            check_pixels(report, out, root, made, arguments.recompute)
        except OSError as error:
            report.check(False, made['file_name'], f'cannot be read ({error})')
    print(f'{len(rows)} rows, {len(classes)} classes; largest deviations:')
    for what, value in report.worst.items():
        print(f'  {what}: {value:.3g}')
    if report.not_compared:
        print(f'  {report.not_compared} mixes of CMYK pictures were not recomputed')
    return report.problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--sources', type=Path, help='folder of the source pictures (default: the one in run.json)')
    parser.add_argument('--labels', type=Path, help='labels of the sources (default: labels.csv there, else folders)')
    parser.add_argument('--recompute', action='store_true', help='make every mix again from sources and masks')
    parser.add_argument('--any-names', action='store_true', help='outputs may have names of their own')
    problems = check_dataset(parser.parse_args())
    for problem in problems[:20]:
        print(problem, file=sys.stderr)
    print('all is well' if not problems else f'{len(problems)} problems')
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    main()
