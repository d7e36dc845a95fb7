"""Saves pickled dicts of arrays as numpy.save does, by several protocols."""
import pickle
import sys
import numpy as np
from wanted import want, values

out = sys.argv[1] + "/"
liver, vein = values("u1", (5, 6)), np.asfortranarray(values("<i4", (5, 6)))
d = {
    "structures": {"liver": liver, "vein": vein, "stomach": liver > 100, "big": values(">f8", (4, 5, 6))},
    "n": 3, "x": 1.5, "list": [1, 2, (3, None)], "less": -70000, "long": 1 << 40, "scalar": np.float64(2),
}
np.save(out + "default.npy", d, allow_pickle=True)
for protocol in (2, 3, 4):
    o = np.empty((), dtype=object)
    o[()] = d
    with open(out + "p%d.npy" % protocol, "wb") as f:
        np.lib.format.write_array_header_1_0(f, {"descr": "|O", "fortran_order": False, "shape": ()})
        pickle.dump(o, f, protocol=protocol)
want(out + "liver", liver, png=True)
want(out + "vein", vein)
want(out + "stomach", liver > 100, png=True)
want(out + "big", d["structures"]["big"])


class Evil:
    def __reduce__(self):
        return (print, ("this must never be called",))


np.save(out + "evil.npy", {"structures": {"liver": liver, "x": Evil()}}, allow_pickle=True)
np.save(out + "plain.npy", liver)
