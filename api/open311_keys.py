"""Who may report through Open311: keys by name, of which the server knows only the hashes."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from api.open311_form import Open311Error
from api.open311_words import say

if TYPE_CHECKING:
    from api.settings import Settings
    from gis_core.dispatch.offered import Offer

__all__ = ["require_key"]

#: Name of a caller on this machine while no keys are set.
_LOCAL = "open311"


def require_key(settings: Settings, key: str, offer: Offer, language: str) -> str:
    """Return the name of a key.

    Without any key in the settings, whoever reaches a server that listens to this machine only may report, and nobody
    may where a proxy or container lets others in.

    Raises
    ------
    Open311Error
        403 where the key is missing or not known.
    """
    known = [entry.partition(":") for entry in settings.open311_keys]
    if not known:
        if settings.behind_proxy:
            raise Open311Error(403, say(language, "no-keys"))
        return _LOCAL
    digest = hashlib.sha256(key.encode()).hexdigest()
    names = [name for name, _, kept in known if hmac.compare_digest(kept, digest)]
    if not names:
        raise Open311Error(403, say(language, "key", how=offer.key_service or say(language, "ask-for-key")))
    return names[0]
