"""What the reasons of jobs that did not succeed mean. Pure; imported when one has not."""

# Reason in the status details: sentence. Those of error_table.py are used, too.
_SENTENCES = {
    "unknown_operation": "Nothing on this device does the operation '%s'.",
    "no_application": "The device runs without its application, which would do '%s': repair it first.",
    "bad_document": 'The job document needs "operation", "action" or "steps".',
    "too_large": "The job document does not fit into limits.receive_buffer, or is nested more than 20 deep.",
    "restarts": "The job was begun again and again, and never ended.",
}


def sentence(reason, operation):
    """What a reason of ours means, for the operation; None for one that is not ours."""
    text = _SENTENCES.get(reason)
    return text % operation if text and "%s" in text else text
