"""When which fault happens: by the seed alone, and every kind in its turn."""

from chaos.faults.catalogue import FAULTS
from chaos.plan import make_plan


def told(seed: int) -> list[tuple[float, str, float]]:
    plan = make_plan(FAULTS, seed=seed, until=300, every=3.5)
    return [(planned.at, planned.fault.name, planned.rng.random()) for planned in plan]


def test_a_seed_gives_the_same_plan_again_and_another_one_another() -> None:
    assert told(1) == told(1)
    assert told(1) != told(2)


def test_every_kind_comes_before_any_comes_again() -> None:
    names = [name for _, name, _ in told(3)]

    for begin in range(0, len(names) - len(FAULTS), len(FAULTS)):
        assert len(set(names[begin : begin + len(FAULTS)])) == len(FAULTS)


def test_five_minutes_hold_sixty_faults_of_more_than_ten_kinds() -> None:
    plan = told(4)

    assert len(plan) >= 60
    assert len({name for _, name, _ in plan}) > 10
    assert plan == sorted(plan)
    assert plan[-1][0] < 300


def test_no_two_faults_share_a_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
