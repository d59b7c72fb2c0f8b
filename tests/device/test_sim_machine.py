"""The simulated `machine` and `time`: constants, errors and texts as the esp32 port has them."""

import time

import machine
import simulation

from harness import equal, raises

FRESH = True


def test_reset_causes_are_the_ports_numbers():
    constants = (
        machine.PWRON_RESET,
        machine.HARD_RESET,
        machine.WDT_RESET,
        machine.DEEPSLEEP_RESET,
        machine.SOFT_RESET,
    )
    equal(constants, (1, 2, 3, 4, 5))
    equal(machine.reset_cause(), machine.PWRON_RESET)


def test_every_way_to_restart_ends_the_program_and_leaves_its_cause():
    for call, reason, cause in (
        (machine.reset, "machine.reset()", 2),
        (machine.soft_reset, "machine.soft_reset()", 5),
        (lambda: machine.deepsleep(1000), "machine.deepsleep() 1000 ms", 4),
        (machine.deepsleep, "machine.deepsleep() for ever", 4),
    ):
        equal(raises(simulation.Restarted, call).args, (reason,))
        equal(machine.reset_cause(), cause)


def test_restart_cannot_be_caught_by_mistake():
    def careless():
        try:
            machine.reset()
        except Exception:  # noqa: BLE001  (the firmware that catches too much)
            return

    raises(simulation.Restarted, careless)


def test_a_watchdog_cannot_be_stopped():
    equal(raises(ValueError, lambda: machine.WDT(timeout=0)).args, ("WDT timeout too short",))
    raises(ValueError, lambda: machine.WDT(id=1))
    watchdog = machine.WDT(timeout=2000)
    equal(simulation.board.watchdog_ms, 2000)
    equal(hasattr(watchdog, "stop") or hasattr(watchdog, "deinit"), False)


def test_rtc_memory_holds_2048_bytes_until_the_power_goes():
    rtc = machine.RTC()
    equal(rtc.memory(), b"")
    rtc.memory(bytearray(b"x" * 2048))
    equal(raises(ValueError, lambda: rtc.memory(bytes(2049))).args, ("buffer too long",))
    equal(machine.RTC().memory(), b"x" * 2048)
    rtc.memory("text")
    equal(rtc.memory(), b"text")
    raises(TypeError, lambda: rtc.memory(7))
    simulation.board.power_cycle()
    equal(machine.RTC().memory(), b"")


def test_clock_begins_in_2000_and_is_set_by_the_rtc():
    simulation.board.use_chip_clock()
    equal(time.gmtime()[:6], (2000, 1, 1, 0, 0, 0))
    equal(type(time.time()), int)
    equal(time.time() < 5, True)
    machine.RTC().datetime((2024, 2, 29, 0, 23, 59, 58, 0))
    equal(time.gmtime(), (2024, 2, 29, 23, 59, 58, 3, 60))
    equal(time.time(), 762566398)
    equal(time.time_ns() // 1000000000, time.time())
    equal(machine.RTC().datetime()[:7], (2024, 2, 29, 3, 23, 59, 58))
    simulation.board.power_cycle()
    equal(time.gmtime()[0], 2000)


def test_calendar_of_the_chip():
    simulation.board.use_chip_clock()
    equal(time.gmtime(0), (2000, 1, 1, 0, 0, 0, 5, 1))
    for seconds in (0, 5097599, 5097600, 5183999, 5184000, 31622399, 31622400, 845676800, 2147483647):
        equal(time.mktime(time.gmtime(seconds)), seconds)
    equal(time.gmtime(5097600), (2000, 2, 29, 0, 0, 0, 1, 60))
    equal(time.gmtime(2147483647), (2068, 1, 19, 3, 14, 7, 3, 19))
    equal(time.mktime((2024, 14, 1, 0, 0, 0, 0, 0)), time.mktime((2025, 2, 1, 0, 0, 0, 0, 0)))
    equal(time.mktime((2024, 27, 32, 25, 0, 0, 0, 0)), time.mktime((2026, 4, 2, 1, 0, 0, 0, 0)))
    equal(time.mktime([2024, -10, 0, 0, 0, 0, 0, 0]), time.mktime((2023, 1, 31, 0, 0, 0, 0, 0)))
    raises(OverflowError, lambda: time.gmtime(2147483648))  # extmod/modtime.c takes a machine word
    equal(raises(TypeError, lambda: time.mktime((2000, 1))).args, ("mktime needs a tuple of length 8 or 9",))


def test_ticks_reach_six_days():
    equal(time.ticks_diff(time.ticks_add(5, 536870911), 5), 536870911)
    raises(OverflowError, lambda: time.ticks_add(5, 536870912))
    raises(OverflowError, lambda: time.ticks_add(5, -536870912))


def test_without_the_chips_clock_time_is_the_desks():
    equal(time.gmtime()[0] >= 2024, True)
    equal(time.time() > 1700000000, True)


def test_pins_read_the_button_and_drive_a_led():
    pin = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)
    equal(pin is machine.Pin(0), True)
    equal(pin.value(), 1)
    simulation.board.hold_button(0)
    equal(pin(), 0)
    simulation.board.release_button(0)
    equal(pin(), 1)
    led = machine.Pin(2, machine.Pin.OUT, value=1)
    equal(led(), 1)
    led.off()
    equal(led(), 0)
    for number in (-1, 20, 40, "x"):
        equal(raises(ValueError, lambda: machine.Pin(number)).args, ("invalid pin",))
    equal(raises(ValueError, lambda: machine.Pin(34, machine.Pin.OUT)).args, ("pin can only be input",))
    equal(machine.Pin(led) is led, True)


def test_a_pin_with_a_voltage_reads_as_0_or_1():
    pin = machine.Pin(34, machine.Pin.IN)
    for microvolts, level in ((730000, 0), (2500000, 1)):
        simulation.board.drive_pin(34, microvolts)
        equal(pin.value(), level)


def test_signals_and_pulses_of_pins():
    led = machine.Pin(2, machine.Pin.OUT)
    signal = machine.Signal(led, invert=True)
    signal.on()
    equal((led.value(), signal.value()), (0, 1))
    signal.off()
    equal((led.value(), signal.value()), (1, 0))
    equal(machine.time_pulse_us(led, 0, 1000), -2)


def test_pins_interrupt():
    seen = []
    pin = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)
    pin.irq(lambda pin: seen.append(pin.value()), machine.Pin.IRQ_FALLING)
    simulation.board.hold_button(0)
    time.sleep_ms(1)
    simulation.board.hold_button(0)  # no edge
    time.sleep_ms(1)
    simulation.board.release_button(0)
    time.sleep_ms(1)
    equal(seen, [0])
    equal(pin.irq().trigger(), machine.Pin.IRQ_FALLING)  # asking changes nothing
    simulation.board.hold_button(0)
    time.sleep_ms(1)
    equal(seen, [0, 0])
    pin.irq()()
    time.sleep_ms(1)
    equal(len(seen), 3)
    pin.irq(handler=None)
    simulation.board.release_button(0)
    simulation.board.hold_button(0)
    time.sleep_ms(1)
    equal(len(seen), 3)


def test_the_frequency_is_one_that_the_chip_has():
    equal(machine.freq(), 160000000)
    machine.freq(240000000)
    equal(machine.freq(), 240000000)
    error = raises(ValueError, lambda: machine.freq(1000000))
    equal(error.args, ("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz",))


def test_own_address_is_six_bytes():
    equal(len(machine.unique_id()), 6)
