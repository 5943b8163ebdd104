"""The gate's side of the card: limits in two banks, positions, watchdog, arming."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from fake_card.registers import Registers
from tickwright.risk.checks import KILL_REASONS
from tickwright.risk.regs import SYMBOL_LIMITS, RiskRegs
from tickwright.top.presets import Preset

__all__ = ["Account", "Gate"]

KILLED, CLOSE_ONLY, ARMED = range(3)
OF_ALL = ("max_shares", "max_notional")
ROW = struct.Struct("<IQII")
NOTHING = dict.fromkeys(SYMBOL_LIMITS, 0)
NONE_OF_ALL = dict.fromkeys(OF_ALL, 0)
MOST = (1 << 16) - 1
START_NS = 34_200_000_000_000  # 9:30


@dataclass
class Account:
    """A symbol in the ledger, in shares."""

    position: int = 0
    buys: int = 0  # open
    sells: int = 0


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


class Gate:
    """Keeps the state; a check takes ``check_accesses`` accesses of the bus, a clearing as many."""

    def __init__(self, preset: Preset, check_accesses: int) -> None:
        self._preset = preset
        self._wait = check_accesses
        self.regs = Registers(RiskRegs)
        self.now_ns = START_NS
        self.state = KILLED
        self.force, self.shadow = {}, {}  # rows by symbol
        self.of_all = dict(NONE_OF_ALL)
        self.accounts = [Account() for _ in range(preset.symbols)]
        self.open_orders = 0
        self._clearing = self._checking = 0
        self._next: dict[str, int] = {}
        self._next_of_all = dict(NONE_OF_ALL)
        self._wait_ns, self._ends_ns, self.expired = 0, 0, True
        self.regs.strobes |= {
            "begin_limits": self._begin,
            "load_limits": self._load,
            "load_position": self._load_position,
            "commit": self._commit,
            "feed_watchdog": self._feed,
            "arm": self._arm,
            "close_only": self._lower,
            "kill": lambda _: self.kill("host"),
        }
        self.regs.shown |= {
            "shadow_ready": lambda: int(not self._clearing),
            "committing": lambda: int(self._checking > 0),
            "state": lambda: self.state,
            "watchdog_expired": lambda: int(self.expired),
            "ready": lambda: 1,
            "open_orders": lambda: self.open_orders,
            "position": lambda: self._account().position,
            "worst_long": lambda: self._account().position + self._account().buys,
            "worst_short": lambda: self._account().sells - self._account().position,
        }

    def pass_access(self) -> None:
        """Let one access pass: checks and clearings go on, and what was written takes effect."""
        self.look()
        if self._clearing:
            self._clearing -= 1
        if self._checking:
            self._checking -= 1
            if not self._checking:
                self._judge()

    def look(self) -> None:
        """Let the watchdog look at the time, and at what it is to wait."""
        if self.state == KILLED and self.regs["watchdog_ns"] != self._wait_ns:
            self._wait_ns, self.expired = self.regs["watchdog_ns"], True
        if not self.expired and self.now_ns >= self._ends_ns:
            self.expired = True
            if self.state != KILLED:
                self.kill("watchdog")

    def kill(self, why: str) -> None:
        """Kill, as the host, the watchdog or the ledger does."""
        self.regs["kill_reasons"] |= 1 << KILL_REASONS.index(why)
        if self.state != KILLED:
            self.regs["killed_at_ns"] = self.now_ns
        self.state = KILLED
        if why != "watchdog":
            self.regs["confirmed"] = 0
            self._next["positions_confirmed"] = 0

    def break_ledger(self) -> None:
        """A response does not fit: killed until reset."""
        self.regs["ledger_fault"] = 1
        self.kill("ledger")

    def checksum(self, rows: dict[int, dict[str, int]], of_all: dict[str, int], epoch: int) -> int:
        """Return the sum over a set, as docs/host.md has it."""
        text = b"".join(
            ROW.pack(*(rows.get(symbol, NOTHING)[name] for name in SYMBOL_LIMITS))
            for symbol in range(self._preset.symbols)
        )
        return zlib.crc32(text + struct.pack("<IQI", *(of_all[name] for name in OF_ALL), epoch))

    def _account(self) -> Account:
        symbol = self.regs["symbol"]
        return self.accounts[symbol] if symbol < len(self.accounts) else Account()

    def _count(self, name: str) -> None:
        self.regs[name] = min(self.regs[name] + 1, MOST)

    def _begin(self, value: int) -> None:
        if self._checking:
            self._count("refused_writes")
            return
        self.shadow, self._clearing = {}, self._wait

    def _load(self, value: int) -> None:
        known = self.regs["symbol"] < self._preset.symbols
        if self._checking or self._clearing or not known:
            self._count("refused_writes")
            return
        row = {name: self.regs[f"symbol_{name}"] for name in SYMBOL_LIMITS}
        self.shadow[self.regs["symbol"]] = row

    def _load_position(self, value: int) -> None:
        known = self.regs["symbol"] < self._preset.symbols
        if self._checking or self.state != KILLED or self.open_orders or not known:
            self._count("refused_writes")
            return
        self._account().position = signed(self.regs["symbol_position"])
        self.regs["confirmed"] = 0
        self._next["positions_confirmed"] = 0

    def _commit(self, value: int) -> None:
        if self._checking or self._clearing:
            self._count("refused_commits")
            return
        names = ("limits_epoch", "limits_checksum", "positions_confirmed", "first_user_ref")
        self._next = {name: self.regs[name] for name in names} | {"killed": self.state == KILLED}
        wanted = {name: self.regs[name] for name in OF_ALL}
        if self.state == KILLED:
            self._next_of_all = wanted
        else:
            self._next_of_all = {name: min(wanted[name], self.of_all[name]) for name in OF_ALL}
            self.shadow = {
                symbol: {
                    name: min(limit, self.force.get(symbol, NOTHING)[name])
                    for name, limit in row.items()
                }
                for symbol, row in self.shadow.items()
            }
        self._checking = self._wait
        if not self._checking:
            self._judge()

    def _judge(self) -> None:
        given = self._next
        epoch, checksum = given["limits_epoch"], given["limits_checksum"]
        if self.checksum(self.shadow, self._next_of_all, epoch) != checksum:
            self._count("refused_commits")
            return
        self.force, self.shadow = self.shadow, self.force
        self.of_all = self._next_of_all
        self.regs["active_limits_epoch"] = epoch
        self.regs["active_limits_checksum"] = checksum
        self.regs["limit_commits"] += 1
        if given["killed"]:
            self.regs["confirmed"] |= given["positions_confirmed"]
            if not self.open_orders:
                newest = max(self.regs["next_user_ref"], given["first_user_ref"])
                self.regs["next_user_ref"] = newest

    def _feed(self, value: int) -> None:
        self.look()
        if self._wait_ns and not (not self.expired and self.now_ns >= self._ends_ns):
            self._ends_ns, self.expired = self.now_ns + self._wait_ns, False

    def _arm(self, value: int) -> None:
        wanted = self.regs["arm_as"]
        fit = (
            wanted in (CLOSE_ONLY, ARMED)
            and self.state == KILLED
            and not self.regs["ledger_fault"]
            and not self.expired
            and not self.open_orders
            and self.regs["limit_commits"]
            and not self._checking
            and self.regs["confirmed"]
        )
        if not fit:
            self._count("refused_arms")
            return
        self.state = wanted
        self.regs["kill_reasons"] = self.regs["confirmed"] = 0

    def _lower(self, value: int) -> None:
        if self.state == ARMED:
            self.state = CLOSE_ONLY
