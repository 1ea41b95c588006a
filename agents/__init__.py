"""Dreams as Gymnasium environments. Importing this registers `reverie/Dream-v0` and the real games.

`gymnasium.make("reverie.agents:reverie/Dream-v0", bundle="v2")` does both at once.
"""

try:
    import gymnasium
except ModuleNotFoundError as error:
    if error.name != "gymnasium":
        raise
    how = '`pip install -c constraints.txt ".[agents]"` in the folder of the project'
    raise ModuleNotFoundError(f"This needs gymnasium, which is not installed: {how}.", name="gymnasium") from None

import reverie.games.gym_adapter  # noqa: F401 - registers the real games

DREAM = "reverie/Dream-v0"
LIMIT = 1000
"""Ticks after which an episode is truncated, about the longest rollout that an evaluation measures."""

gymnasium.register(
    DREAM,
    entry_point="reverie.agents.dream_env:DreamEnv",
    vector_entry_point="reverie.agents.dream_vector:DreamVectorEnv",
    max_episode_steps=LIMIT,
    kwargs={"bundle": "v2"},
)
