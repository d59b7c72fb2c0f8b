"""Topics: which filter gets which message, what AWS IoT takes as a name, and which reserved topics exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.cloud.limits import Limits
from tools.cloud.reserved import check_publish, check_subscribe
from tools.cloud.topics import Subscriptions, TopicError, check_filter, check_name, matches

LIMITS = Limits()


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/B", False),
        ("a/b", "a/b/c", False),
        ("a/+", "a/b", True),
        ("a/+", "a/", True),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("+/b", "a/b", True),
        ("+", "a/b", False),
        ("+/+", "/a", True),
        ("/+", "/a", True),
        ("#", "a", True),
        ("#", "a/b/c", True),
        ("a/#", "a", False),
        ("a/#", "a/b/c", True),
        ("a/#", "ab", False),
        ("a/+/c/#", "a/b/c/d/e", True),
        ("a/+/c/#", "a/b/x/d", False),
        ("#", "$aws/things/t/shadow/get", False),
        ("+/things", "$aws/things", False),
        ("$aws/#", "$aws/things/t/shadow/get", True),
        ("$aws/things/+/shadow/#", "$aws/things/t/shadow/get", True),
        ("a/#", "a/$b", True),
        ("a/+", "a/$b", True),
    ],
)
def test_which_filter_gets_which_topic(topic_filter, topic, expected):
    assert matches(topic_filter, topic) is expected


LEVEL = st.sampled_from(["a", "b", "", "$x"])
TOPIC = st.lists(LEVEL, min_size=1, max_size=4).map("/".join)
FILTER = st.lists(LEVEL | st.just("+"), min_size=1, max_size=4).flatmap(
    lambda levels: st.sampled_from(["/".join(levels), "/".join([*levels, "#"])])
)


def matches_by_the_book(topic_filter, topic):
    """MQTT 3.1.1 chapter 4.7 but for AWS's difference, that `a/#` is not `a`; written as slowly as it reads."""
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    wanted, given_levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        if len(given_levels) == len(wanted):
            return False
        given_levels = given_levels[: len(wanted)]
    return len(wanted) == len(given_levels) and all(
        one in ("+", other) for one, other in zip(wanted, given_levels, strict=True)
    )


@given(st.lists(st.tuples(FILTER, st.integers(0, 1)), max_size=8), st.lists(TOPIC, max_size=4), st.data())
def test_each_subscriber_gets_a_message_once_with_its_best_qos(subscriptions, topics, data):
    tree = Subscriptions()
    standing = {}
    for topic_filter, qos in subscriptions:
        tree.add(topic_filter, "someone", qos)
        standing[topic_filter] = qos
    for topic_filter in data.draw(
        st.lists(st.sampled_from(sorted(standing)), unique=True) if standing else st.just([])
    ):
        tree.remove(topic_filter, "someone")
        del standing[topic_filter]
    for topic in topics:
        fitting = [qos for topic_filter, qos in standing.items() if matches_by_the_book(topic_filter, topic)]
        assert list(tree.matching(topic)) == ([("someone", max(fitting))] if fitting else [])


def test_answers_follow_a_change_of_subscriptions():
    tree = Subscriptions()
    tree.add("a/+", "one", 0)
    assert dict(tree.matching("a/b")) == {"one": 0}
    tree.add("a/b", "two", 1)
    assert dict(tree.matching("a/b")) == {"one": 0, "two": 1}
    tree.remove("a/+", "one")
    tree.remove("a/b", "nobody")
    assert dict(tree.matching("a/b")) == {"two": 1}


@pytest.mark.parametrize("topic", ["a", "/", "a//b", " ", "a/$b", "ä" * 128, "1/2/3/4/5/6/7/8", "$aws/" + "x/" * 20])
def test_names_aws_takes(topic):
    check_name(topic, LIMITS)


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a+b", "a\0", "x" * 257, "ä" * 129, "1/2/3/4/5/6/7/8/9"])
def test_names_aws_refuses(topic):
    with pytest.raises(TopicError):
        check_name(topic, LIMITS)


def test_basic_ingest_does_not_count_the_rule():
    check_name("$aws/rules/my_rule/1/2/3/4/5/6/7/8", LIMITS)
    with pytest.raises(TopicError):
        check_name("$aws/rules/my_rule/1/2/3/4/5/6/7/8/9", LIMITS)


@pytest.mark.parametrize("topic_filter", ["#", "+", "a/#", "+/a/+", "/#", "$aws/things/t/#"])
def test_filters_aws_takes(topic_filter):
    check_filter(topic_filter, LIMITS)


@pytest.mark.parametrize("topic_filter", ["", "a#", "a/#/b", "#/a", "a+", "+a/b", "x" * 257, "+/+/+/+/+/+/+/+/#"])
def test_filters_aws_refuses(topic_filter):
    with pytest.raises(TopicError):
        check_filter(topic_filter, LIMITS)


@pytest.mark.parametrize(
    "topic",
    [
        "free/topic",
        "$aws/certificates/create/json",
        "$aws/provisioning-templates/fleet/provision/json",
        "$aws/things/t/shadow/update",
        "$aws/things/t/shadow/name/s/get",
        "$aws/things/t/jobs/start-next",
        "$aws/things/t/jobs/$next/get",
        "$aws/things/t/jobs/job-1/update",
        "$aws/rules/my_rule/some/topic",
    ],
)
def test_reserved_topics_that_take_messages(topic):
    check_publish(topic, False, LIMITS)


@pytest.mark.parametrize(
    "topic",
    [
        "$SYS/broker",
        "$mine",
        "$aws",
        "$aws/invented",
        "$aws/things/t/shadow/update/accepted",
        "$aws/things/t/jobs/notify",
        "$aws/events/presence/connected/t",
    ],
)
def test_reserved_topics_that_take_no_messages(topic):
    with pytest.raises(TopicError, match="reserved"):
        check_publish(topic, False, LIMITS)


def test_nothing_is_retained_on_reserved_topics():
    check_publish("free/topic", True, LIMITS)
    with pytest.raises(TopicError, match="retained"):
        check_publish("$aws/things/t/shadow/update", True, LIMITS)


@pytest.mark.parametrize(
    "topic_filter",
    [
        "#",
        "$aws/things/t/shadow/update/accepted",
        "$aws/things/t/shadow/name/+/update/delta",
        "$aws/things/t/shadow/get",
        "$aws/things/t/shadow/name/s/update",
        "$aws/things/t/jobs/notify-next",
        "$aws/things/t/jobs/+/update/rejected",
        "$aws/things/t/jobs/#",
        "$aws/things/t/jobs/+/get",
        "$aws/things/t/#",
        "$aws/certificates/create/json/+",
        "$aws/events/presence/connected/+",
    ],
)
def test_reserved_topics_to_listen_on(topic_filter):
    check_subscribe(topic_filter, LIMITS)


@pytest.mark.parametrize(
    "topic_filter",
    [
        *("$SYS/#", "$aws/#", "$aws/invented", "$mine/+", "$share/group/a"),
        *("$aws/things/t/jobs/get", "$aws/things/t/jobs/start-next", "$aws/things/t/jobs/job-1/update"),
        *("$aws/certificates/create/json", "$aws/provisioning-templates/fleet/provision/json"),
        "$aws/things/t/defender/metrics/json",
    ],
)
def test_reserved_topics_nobody_speaks_on(topic_filter):
    with pytest.raises(TopicError):
        check_subscribe(topic_filter, LIMITS)


def test_nothing_is_left_of_a_filter_when_nobody_wants_it_any_more():
    tree = Subscriptions()
    for topic_filter in ("a/b/c", "a/b", "a/+"):
        tree.add(topic_filter, "device", 0)
    for topic_filter in ("a/b", "a/b/c", "a/+", "a/none"):
        tree.remove(topic_filter, "device")
    assert tree._root.children == {}
