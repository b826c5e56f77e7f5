"""The official way, 1 % of shifts in PyTorch: milliseconds of processor time a pair, one thread, for shift.js.

Standard input has the maps of all pairs that stay, then of all that move, float32 [2, pairs, side, side]. As the paper's
code does, one batch tries the same random shifts on all of its pairs and takes the best of them for each.
"""
import sys
import time

import numpy
import torch

BATCH = 96
TURNS = 5

torch.set_num_threads(1)
torch.manual_seed(1)
side = int(sys.argv[1])
maps = numpy.frombuffer(bytearray(sys.stdin.buffer.read()), numpy.float32)
stays, moves = torch.from_numpy(maps.reshape(2, -1, side, side))
copies = -(-BATCH // len(stays))
stays, moves = (half.repeat(copies, 1, 1)[:BATCH] for half in (stays, moves))
columns = 2 * side - 1


def best_of_sample():
    sample = torch.randperm(columns * columns)[: columns * columns // 100]
    # What covers the frame after a move by (dx, dy) is the window at (side - 1 - dx, side - 1 - dy) of the padded map.
    padded = torch.nn.functional.pad(moves, (side - 1,) * 4)
    moved = padded.unfold(1, side, 1).unfold(2, side, 1)[:, sample // columns, sample % columns]
    base = stays[:, None]
    mask = base / (base + moved)
    return (mask * base + (1 - mask) * moved).sum((2, 3)).max(1)


best_of_sample()
times = []
for _ in range(TURNS):
    start = time.process_time()
    best_of_sample()
    times.append(time.process_time() - start)
print(1000 * min(times) / BATCH)
