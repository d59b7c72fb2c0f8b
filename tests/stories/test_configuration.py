"""Settings by a phone: stories told at the same time; those that take longest begin."""

from tests.stories import applying, candidates, configuring
from tests.stories.telling import tell_all

told, test_story = tell_all(vars(applying), vars(candidates), vars(configuring))
