"""Whose word counts: decided for each feature by itself, in one order, wherever it is decided."""

import random
from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from feature_trials import age_answers, in_catalogue, known, store
from spotify_insights.audio_features.values import FEATURE_NAMES, AudioFeatures
from spotify_insights.database.actor import SYSTEM
from spotify_insights.listening.blocks.read_rows import read_features
from spotify_insights.listening.features.choose import choose
from spotify_insights.listening.features.lacking import lacking_tracks
from spotify_insights.listening.features.store import store_features
from spotify_insights.runtime import Runtime

ORDER = ("catalogue", "spotify", "reccobeats")
# Exact in 32 bits, which is how catalogues and blocks keep them.
VALUES = st.integers(0, 64).map(lambda number: number / 64)
FEATURES = st.fixed_dictionaries({}, optional=dict.fromkeys(FEATURE_NAMES, VALUES))


def test_each_feature_comes_from_the_first_who_knows_it() -> None:
    chosen = choose(
        {
            "reccobeats": AudioFeatures(valence=0.1, energy=0.1, tempo=100),
            "spotify": AudioFeatures(valence=0.2, energy=0.2),
            "catalogue": AudioFeatures(valence=0.3),
            "somebody else": AudioFeatures(loudness=-3),
        }
    )

    assert chosen.features == AudioFeatures(valence=0.3, energy=0.2, tempo=100)
    assert chosen.providers == {"valence": "catalogue", "energy": "spotify", "tempo": "reccobeats"}


@given(st.dictionaries(st.sampled_from(ORDER), FEATURES))
def test_nothing_is_invented_and_nobody_with_an_earlier_place_is_passed_over(
    told: dict[str, dict[str, float]],
) -> None:
    chosen = choose({provider: AudioFeatures(**values) for provider, values in told.items()})

    for name in FEATURE_NAMES:
        knowing = [provider for provider in ORDER if name in told.get(provider, {})]
        assert chosen.providers.get(name) == (knowing[0] if knowing else None)
        assert getattr(chosen.features, name) == (told[knowing[0]][name] if knowing else None)


def test_blocks_backfill_and_snapshots_decide_alike(runtime: Runtime) -> None:
    """What every combination of providers says of 60 tracks, decided in Python and twice in SQL."""
    chance = random.Random(5)  # noqa: S311  # any mixture will do
    ids = [f"{number:022d}" for number in range(60)]
    keys = store(runtime.database, ids)
    for provider in ("spotify", "reccobeats"):
        with runtime.database.transaction(acting_for=SYSTEM) as tx:
            asked = chance.sample(ids, 40)
            told = {each: AudioFeatures(**_some(chance)) for each in asked[:30]}
            store_features(tx.session, keys, told, asked=asked, provider=provider)
    # Half of the answers are old: who knew nothing then is asked again.
    age_answers(runtime.database, timedelta(days=29, hours=23))
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        by_a_day = "UPDATE track_features SET fetched_at = fetched_at - interval '1 d' WHERE track_id % 2 = 0"
        tx.session.execute(text(by_a_day))
    in_catalogue(runtime.database, {each: _some(chance) for each in chance.sample(ids, 30)})

    held = known(runtime.database, ids)
    with runtime.database.transaction(acting_for=SYSTEM) as tx:
        values, suppliers = read_features(tx.session, [keys[each] for each in ids])
        for provider in ("spotify", "reccobeats"):
            lacking = {track.spotify_id for track in lacking_tracks(tx.session, provider, limit=99)}
            assert lacking == set(held.to_ask(provider, ids))
            assert 0 < len(lacking) < 60

    for place, each in enumerate(ids):
        chosen = held.found.get(each)
        for column, name in enumerate(FEATURE_NAMES):
            value = getattr(chosen.features, name) if chosen else None
            supplier = chosen.providers.get(name) if chosen else None
            assert suppliers[place, column] == (-1 if supplier is None else ORDER.index(supplier))
            assert np.isnan(values[place, column]) if value is None else values[place, column] == value


def _some(chance: random.Random) -> dict[str, float]:
    """Half of the time all features, else some of them."""
    number = len(FEATURE_NAMES) if chance.random() < 0.5 else chance.randint(1, len(FEATURE_NAMES) - 1)
    return {name: chance.randint(0, 64) / 64 for name in chance.sample(FEATURE_NAMES, number)}
