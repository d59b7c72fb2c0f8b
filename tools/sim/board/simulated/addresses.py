"""An interface's own addresses, as network_common.c lets them be read and set."""

from simulated import air

_NONE = "0.0.0.0"


class Addresses:
    """For `_Interface`: `_is_sta`, `_values`, `_is_up()`, and `names`, whose "dns" is both interfaces'."""

    def ifconfig(self, settings=None):
        """(address, netmask, gateway, name server); "dhcp" of the station goes back to the router's."""
        if settings is None:
            return self._address() + (self._gateway(), self._name_server())
        if isinstance(settings, (tuple, list)):
            if len(settings) != 4:
                raise ValueError("requested length 4 but object has length %d" % len(settings))
            address, netmask, gateway, dns = settings
            netmask = _mask(netmask) if isinstance(netmask, int) else _checked(netmask)
            dns = _checked(dns)
            self._set_static(_checked(address), netmask, _checked(gateway))
            self._names["dns"] = dns
        elif settings == "dhcp" and self._is_sta:
            self._set_static()
        else:
            if not isinstance(settings, str):
                raise TypeError("can't convert '%s' object to str implicitly" % type(settings).__name__)
            raise ValueError("invalid arguments")

    def ipconfig(self, param=None, **values):
        """`addr4` (address, netmask), `gw4`, `dhcp4`; sets `addr4` also as "1.2.3.4/24"."""
        if values:
            if param is not None:
                raise TypeError("can't specify pos and kw args")
            return self._set_ipconfig(values)
        if param is None:
            raise TypeError("must query one param")
        if param == "addr4":
            return self._address()
        if param == "gw4":
            return self._gateway()
        if param == "dhcp4" and self._is_sta:
            return self._values.get("dhcp", True)
        raise ValueError("unexpected key")

    def _set_ipconfig(self, values):
        (address, netmask), gateway = self._address(), self._gateway()
        touched = False
        for key, value in values.items():
            if key == "dhcp4" and self._is_sta:
                if value:
                    self._set_static()
                else:
                    self._values["dhcp"] = False
            elif key == "addr4":
                address, netmask = _address_and_mask(value, address, netmask)
                touched = True
            elif key == "gw4":
                gateway = _checked(value)
                touched = True
            else:
                raise ValueError("unexpected key")
        if touched:
            self._set_static(address, netmask, gateway)

    def _set_static(self, *values):
        self._values["static"] = values or None
        self._values["dhcp"] = not values

    def _address(self):
        static = self._values.get("static")
        if static:
            return static[:2]
        if not self._is_up():
            return _NONE, _NONE
        return (air.STATION if self._is_sta else air.GATEWAY), air.NETMASK

    def _gateway(self):
        static = self._values.get("static")
        return static[2] if static else air.GATEWAY if self._is_up() else _NONE


def _address_and_mask(value, address, netmask):
    if isinstance(value, str):
        address, _, bits = value.partition("/")
        return _checked(address), _mask(int(bits)) if bits else netmask
    if value is not None:
        if len(value) != 2:
            raise ValueError("requested length 2 but object has length %d" % len(value))
        return _checked(value[0]), _checked(value[1])
    return address, netmask


def _checked(address):
    """The address as the chip reads it: what follows after it is ignored, "" is none."""
    if not isinstance(address, str):
        raise TypeError("can't convert '%s' object to str implicitly" % type(address).__name__)
    end = 0
    while end < len(address) and address[end] in ".0123456789":
        end += 1
    if not address:
        return _NONE
    parts = address[:end].split(".")
    if len(parts) != 4:
        raise ValueError("invalid arguments")
    return ".".join([str(int(part or "0") & 255) for part in parts])


def _mask(bits):
    mask = 0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF
    return ".".join([str(mask >> shift & 255) for shift in (24, 16, 8, 0)])
