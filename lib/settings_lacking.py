"""What keeps a device from NORMAL, in words. A file of its own: new settings are judged where memory is short."""


def of_device(networks, endpoint, roots):
    """Sentences about what any device needs."""
    found = []
    if not networks:
        found.append("a Wi-Fi network (networks)")
    if not endpoint:
        found.append("the address of the cloud (aws.endpoint)")
    if not roots:
        found.append("a trusted root (certs, role ca)")
    return found


def of_identity(thing, name, claim, template):
    """What else it needs until it is a thing. `thing`, `claim`: whether there are credentials of that role."""
    if (thing and name) or (claim and template):
        return []
    if thing:
        return ["the thing's name (aws.thing)"]
    if claim:
        return ["the provisioning template (aws.template)"]
    return ["thing or claim credentials (certs, role thing or claim)"]
