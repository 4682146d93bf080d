"""Sets of registrations to look at: few, as many as a large server has, and more than any has."""

from pathlib import Path

# Networks as bridges call them, the busiest first.
NETWORKS = (
    "telegram whatsapp signal discord slack meta gmessages instagram linkedin twitter googlechat imessage irc xmpp "
    "mattermost kakaotalk bluesky zulip steam skype viber line wechat hangouts facebook gvoice teams rocketchat "
    "mastodon nostr sms email voip minecraft github gitlab jira rss"
).split()


def registration(as_id: str, prefix: str, bot: str, *, exclusive: bool = True) -> str:
    """One as bridges write them: its users and its bot, and aliases."""
    claim = "true" if exclusive else "false"
    return (
        f"id: {as_id}\n"
        f"url: http://{as_id}:29318\n"
        f"as_token: as-token-of-{as_id}-0123456789abcdef\n"
        f"hs_token: hs-token-of-{as_id}-0123456789abcdef\n"
        f"sender_localpart: {bot}\n"
        "rate_limited: false\n"
        "namespaces:\n"
        "  users:\n"
        f"    - regex: '^@{prefix}.+:example\\.com$'\n"
        f"      exclusive: {claim}\n"
        f"    - regex: '^@{bot}:example\\.com$'\n"
        "      exclusive: true\n"
        "  aliases:\n"
        f"    - regex: '^#{prefix}.+:example\\.com$'\n"
        f"      exclusive: {claim}\n"
    )


def write(directory: Path, count: int) -> Path:
    """A directory with so many registrations, some of which collide."""
    directory.mkdir(parents=True)
    for at in range(count):
        network = NETWORKS[at % len(NETWORKS)] if count < 1_000 else busy(at)
        number = at // len(NETWORKS)
        if count < 1_000:
            as_id = network if number == 0 else f"{network}-{number + 1}"
            prefix = f"{network}_" if number == 0 else f"{network}{number + 1}_"
        else:
            as_id, prefix = f"{network}-u{at:05}", f"{network}_u{at:05}_"
        # Now and then somebody has copied a file and forgotten to change the prefix.
        if at % 37 == 36:
            prefix = f"{NETWORKS[at % 7]}_" if count < 1_000 else f"{busy(at - 1)}_u{at - 1:05}_"
        text = registration(as_id, prefix, f"{as_id}bot", exclusive=at % 11 != 10)
        file = directory / f"{as_id}.yaml"
        file.write_text(text)
        # As it should be: tokens are nobody else's.
        file.chmod(0o600)
    return directory


def busy(at: int) -> str:
    """A network, each less often than the one before it."""
    place = (at * 7_919) % 1_000 / 1_000
    return NETWORKS[int(place * place * 15)]
