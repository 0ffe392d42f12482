"""Everything that is compared."""

from .base import Place
from .cowloop import Cow, CowCompact, CowLayers, start_service
from .peers import Qemu, QemuExtended, Xmount
from .raw import Raw, RawDirect

CONTENDERS = {kind.name: kind for kind in (Raw, RawDirect, Cow, CowLayers, CowCompact, Qemu, QemuExtended, Xmount)}

__all__ = ["CONTENDERS", "Place", "start_service"]
