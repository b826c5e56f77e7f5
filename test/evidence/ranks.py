"""Do trainer and files agree? The arms of a trial beside what agreement.py printed, and Spearman's rank correlation of their means.

usage: ranks.py <trial.json[,more.json ...]> <lines of agreement.py> [folder=arm ...]

`folder=arm` says which arm of the trial a folder of mixes stands for where their names differ, as in `sage-cam=sage, cam`.
Only seeds whose arms are all there count.
"""
import collections
import json
import sys

import numpy as np
from scipy.stats import spearmanr


def complete(runs):
    """(arm, seed) -> (accuracy, log loss) to arm -> arrays over the seeds that have every arm."""
    arms = {arm for arm, _ in runs}
    seeds = sorted(seed for seed, count in collections.Counter(seed for _, seed in runs).items() if count == len(arms))
    return {arm: np.array([runs[arm, seed] for seed in seeds]) for arm in arms}


def main():
    trial, lines, *names = sys.argv[1:]
    names = dict(name.split('=', 1) for name in names)
    records = []
    for name in trial.split(','):
        with open(name) as file:
            records.append(json.load(file))
    with open(lines) as file:
        read = [json.loads(line) for line in file]
    theirs = {(names.get(run['arm'], run['arm']), run['seed']): (run['accuracy'], run['logLoss']) for run in read}
    arms = {arm for arm, _ in theirs}
    ours = complete({(run['arm'], (i, run['repetition'])): (run['accuracy'], run['logLoss'])
                     for i, record in enumerate(records) for run in record['runs'] if run['arm'] in arms})
    theirs = complete({key: value for key, value in theirs.items() if key[0] in ours})
    print('| arm | accuracy, trial | PyTorch | log loss, trial | PyTorch |\n|---|---|---|---|---|')
    order = sorted(ours, key=lambda arm: -ours[arm][:, 0].mean())
    for arm in order:
        (a, la), (b, lb) = ours[arm].mean(0), theirs[arm].mean(0)
        print(f'| {arm} | {100 * a:.1f} | {100 * b:.1f} | {la:.3f} | {lb:.3f} |')
    for column, name in enumerate(('accuracy', 'log loss')):
        found = [[side[arm][:, column].mean() for arm in order] for side in (ours, theirs)]
        print(f'Spearman, {name}: {spearmanr(*found).statistic:.2f} over {len(order)} arms; '
              f'{len(ours[order[0]])} and {len(theirs[order[0]])} seeds')


main()
