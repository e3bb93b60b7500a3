"""A bounded search for the parameters of a kind, by Optuna's TPE sampler (Akiba et al., 2019), in memory and seeded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import optuna

from models.fitting import held_out
from models.rankers.examples import Examples
from models.rankers.measures import measured, worth
from models.rankers.model import Model

SEED = 7
Fit = Callable[[Examples, Mapping[str, object]], Model]
Space = Callable[[optuna.Trial], dict]


@dataclass(frozen=True)
class Tuned:
    """parameters: the best ones found, none where the usual ones are best. tried: each trial's parameters and worth."""

    parameters: dict
    tried: list[dict]


def tune(fit: Fit, space: Space, examples: Examples, counted: tuple[str, ...], trials: int, chosen_on: float) -> Tuned:
    """Tries the usual parameters first, then `trials` others from `space`; each is fit on all but the later slice
    (`chosen_on`: its share of the rows) and measured on it. Without a later slice nothing is tried."""
    late = held_out(examples.times, chosen_on)
    if trials < 1 or not late.any():
        return Tuned({}, [])
    early, later = examples.only(~late), examples.only(late)

    def judged(parameters: dict) -> float:
        model = fit(early, {**parameters, "again": False})  # compared, not kept: growing once is enough
        found = worth(measured(later, model.score(later.matrix)), counted)
        return float(np.nan_to_num(found, nan=-1.0))

    usual = judged({})
    study = _study()
    study.optimize(lambda trial: judged(space(trial)), n_trials=trials, n_jobs=1)
    tried = [{"parameters": {}, "worth": usual}]
    tried += [{"parameters": trial.params, "worth": trial.value} for trial in study.trials]
    return Tuned(max(tried, key=lambda each: each["worth"])["parameters"], tried)


def tree_space(trial: optuna.Trial) -> dict:
    """What is tried of boosted trees; `weighted`: whether the weights of examples count."""
    return {
        "eta": trial.suggest_float("eta", 0.02, 0.15, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 7),
        "min_child_weight": trial.suggest_float("min_child_weight", 1, 100, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 0.9),
        "lambda": trial.suggest_float("lambda", 0.3, 30, log=True),
        "weighted": trial.suggest_categorical("weighted", [False, True]),
    }


def _study() -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED, n_startup_trials=5))
