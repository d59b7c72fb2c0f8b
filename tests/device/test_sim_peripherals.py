"""What an application makes of the simulated chip's pins: ADC, PWM, timers, buses. Nothing is attached to them but what
a test puts on a pin."""

import asyncio
import errno
import time

import machine
import neopixel
import simulation

from harness import equal, raises

FRESH = True


def words(kind, call):
    return raises(kind, call).args[0]


def test_an_adc_measures_up_to_2_4_v_unless_told_otherwise():
    simulation.board.drive_pin(34, 1950000)
    adc = machine.ADC(machine.Pin(34))
    equal(adc.read_uv(), 1950000)
    equal(repr(adc), "ADC(Pin(34), atten=3)")
    adc.atten(adc.ATTN_0DB)
    equal((adc.read_uv(), adc.read(), adc.read_u16()), (950000, 4095, 65535))
    simulation.board.drive_pin(34, 0)
    equal((adc.read(), adc.read_u16()), (0, 0))
    simulation.board.drive_pin(34, 1)  # a level: the whole supply
    equal(machine.ADC(34).read_u16(), 65535)


def test_an_adc_refuses_as_the_port_does():
    adc = machine.ADC(32, atten=machine.ADC.ATTN_11DB)
    equal(words(ValueError, lambda: machine.ADC(5)), "invalid pin")
    equal(words(ValueError, lambda: machine.ADC(99)), "invalid pin")
    equal(words(ValueError, lambda: adc.atten(4)), "invalid attenuation")
    equal(words(ValueError, lambda: adc.width(13)), "invalid bit-width")
    simulation.board.drive_pin(32, 2450000)
    adc.width(9)
    equal((adc.read(), adc.read_u16()), (511, 65535))
    adc.deinit()
    equal(raises(OSError, adc.read).errno, errno.EPERM)
    adc.init()
    equal(adc.read(), 4095)


def test_pwm_keeps_what_was_asked_as_finely_as_its_timer_can():
    pwm = machine.PWM(machine.Pin(2), freq=5000, duty_u16=12345)
    equal((pwm.freq(), pwm.duty_u16(), pwm.duty()), (5000, 12344, 192))
    equal(repr(pwm), "PWM(Pin(2), freq=5000, duty_u16=12344)")
    pwm.freq(1000)
    equal(pwm.duty_u16(), 12345)
    pwm.duty(512)
    equal((pwm.duty_u16(), pwm.duty_ns()), (32768, 500000))
    pwm.duty_ns(250000)
    equal((pwm.duty_u16(), pwm.duty()), (16384, 256))
    pwm.duty_u16(65535)
    equal((pwm.duty_u16(), pwm.duty()), (65535, 1023))
    pwm.init(freq=50, duty=0)
    equal((pwm.freq(), pwm.duty_u16()), (50, 0))
    pwm.deinit()
    equal(words(RuntimeError, pwm.freq), "PWM is inactive")
    equal(words(RuntimeError, lambda: pwm.duty(1)), "PWM is inactive")
    equal(machine.PWM(4).freq(), 5000)


def test_pwm_refuses_as_the_port_does():
    pwm = machine.PWM(2)
    equal(words(ValueError, lambda: pwm.freq(0)), "frequency must be from 1Hz to 40MHz")
    equal(words(ValueError, lambda: pwm.duty(1024)), "duty must be from 0 to 1023")
    equal(words(ValueError, lambda: pwm.duty_u16(-1)), "duty_u16 must be from 0 to 65536")
    equal(words(ValueError, lambda: pwm.duty_ns(200001)), "duty_ns must be from 0 to 200000 ns")
    pins = [machine.PWM(pin, freq=100 + pin) for pin in (4, 5, 12, 13, 14, 15, 16)]
    equal(words(RuntimeError, lambda: machine.PWM(17, freq=1)), "out of PWM timers:8")
    pwm.deinit()
    for used in pins:
        used.deinit()


def test_timers_call_again_and_again_until_they_are_stopped():
    called = []
    timer = machine.Timer(0)
    timer.init(period=5, callback=called.append)
    while len(called) < 3:
        time.sleep(1)  # called in the midst of it
    equal(called[0] is timer and machine.Timer(0) is timer, True)
    timer.deinit()
    count = len(called)
    time.sleep_ms(20)
    equal(len(called), count)


async def test_timers_wake_who_waits_for_their_flag():
    flag = asyncio.ThreadSafeFlag()
    machine.Timer(1, mode=machine.Timer.ONE_SHOT, period=5, callback=lambda timer: flag.set())
    await flag.wait()
    time.sleep_ms(20)
    await raises(asyncio.TimeoutError, asyncio.wait_for_ms(flag.wait(), 20))  # once


def test_timers_refuse_as_the_port_does():
    equal(words(ValueError, lambda: machine.Timer(4)), "invalid Timer number")
    equal(words(ValueError, lambda: machine.Timer(-1)), "invalid Timer number")
    equal(words(ValueError, lambda: machine.Timer(2).value()), "timer not set")
    equal(words(ValueError, lambda: machine.Timer(2, hard=True)), "hard Timers are not implemented")


def test_nobody_answers_on_an_empty_bus():
    bus = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=100000)
    equal(repr(bus), "I2C(0, scl=22, sda=21, freq=100000, timeout=50000)")
    for i2c in (bus, machine.SoftI2C(machine.Pin(22), machine.Pin(21))):
        equal(i2c.scan(), [])
        for call in (
            lambda: i2c.writeto(0x76, b"\xd0"),
            lambda: i2c.readfrom(0x76, 1),
            lambda: i2c.readfrom_mem(0x76, 0xD0, 1),
            lambda: i2c.writeto_mem(0x76, 0xD0, b"x", addrsize=16),
        ):
            equal(raises(OSError, call).errno, errno.ENODEV)
    equal(words(ValueError, lambda: bus.readfrom_mem(1, 2, 3, addrsize=7)), "invalid addrsize")
    equal(words(OSError, bus.start), "I2C operation not supported")
    equal(words(ValueError, lambda: machine.I2C(2)), "I2C(2) doesn't exist")


def test_spi_reads_what_is_on_the_pin():
    spi = machine.SPI(2, baudrate=1000000)
    equal(spi.read(2), b"\0\0")
    simulation.board.drive_pin(19, 1)
    buffer = bytearray(3)
    spi.write_readinto(b"abc", buffer)
    equal(buffer, b"\xff\xff\xff")
    equal(words(ValueError, lambda: spi.write_readinto(b"ab", buffer)), "buffers must be the same length")
    equal(words(ValueError, lambda: machine.SPI(3)), "SPI(3) doesn't exist")
    spi.deinit()
    equal(words(OSError, lambda: spi.write(b"a")), "transfer on deinitialized SPI")
    soft = machine.SoftSPI(sck=machine.Pin(5), mosi=machine.Pin(18), miso=machine.Pin(19))
    equal(soft.read(1), b"\xff")


async def test_a_serial_port_is_silent():
    uart = machine.UART(2, baudrate=9600, tx=17, rx=16)
    equal((uart.any(), uart.read(), uart.readline(), uart.readinto(bytearray(2))), (0, None, None, None))
    equal((uart.write(b"abc"), uart.write("ä")), (3, 2))
    equal(words(ValueError, lambda: machine.UART(3)), "UART(3) does not exist")
    stream = asyncio.StreamReader(uart)
    await raises(asyncio.TimeoutError, asyncio.wait_for_ms(stream.read(1), 10))


def test_voltages_and_fingers():
    dac = machine.DAC(machine.Pin(25))
    dac.write(255)
    equal(words(ValueError, lambda: dac.write(256)), "value out of range")
    equal(words(ValueError, lambda: machine.DAC(24)), "invalid pin")
    equal(words(ValueError, lambda: machine.DAC(23)), "invalid Pin for DAC")
    touch = machine.TouchPad(4)
    untouched = touch.read()
    simulation.board.hold_button(4)
    equal(touch.read() < untouched, True)


def test_a_row_of_lamps_remembers_its_colours():
    lamps = neopixel.NeoPixel(machine.Pin(4), 3)
    lamps.fill((1, 2, 3))
    lamps[1] = (9, 8, 7)
    lamps.write()
    equal((len(lamps), lamps[0], lamps[1]), (3, (1, 2, 3), (9, 8, 7)))
    equal(bytes(lamps.buf[3:6]), b"\x08\x09\x07")


def test_what_the_chip_has_and_this_has_not_is_named():
    equal(words(NotImplementedError, lambda: machine.I2S), "machine.I2S is not simulated")
    equal(words(AttributeError, lambda: machine.nothing), "'module' object has no attribute 'nothing'")
