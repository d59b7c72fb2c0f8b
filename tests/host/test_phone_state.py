"""What the page makes of STATE, and of work that takes long."""

from tests.host.phone_device import CODE, Radio, ReferenceDevice

WORK = """async (load, transport, code, timing) => {
  const client = new (await load("client")).Client(transport, timing);
  await client.connect();
  await client.authenticate(code);
  let working = 0;
  const { code: outcome } = await client.request("APPLY", {}, () => working++);
  return [outcome, working];
}"""


def test_long_work_is_waited_for_however_often_it_is_asked_about(node):
    device = ReferenceDevice()
    node.radio = Radio(device)
    device.hold, device.patience = {"APPLY"}, 9
    timing = {"open": 2000, "write": 2000, "answer": 250, "reminder": 100, "work": 30000, "busy": 5, "tries": 8}
    assert node.script(WORK, CODE, timing) == [2, 9]
    assert [typ for typ, _ in device.done] == ["APPLY"]


def test_state_is_read_once_for_each_notification(phone):
    phone.open()
    phone.connect()
    assert phone.radio.state_reads == 1
    phone.page.evaluate("radio.state()")
    phone.page.wait("radio.asked.filter((one) => one === 'state').length === 2")
    phone.page.click("guests")
    phone.page.wait("document.querySelector('.chosen')")
    assert phone.radio.state_reads == 2


def test_state_may_change_in_the_middle_of_a_message(phone):
    phone.device.chunk = 20
    write = phone.device.write

    def write_and_tell(data):
        phone.device.state = {"mode": "CONFIG", "step": "joining", "code": 0, "message": "", "last": None}
        return write(data)

    phone.device.write = write_and_tell
    phone.open()
    phone.connect()
    phone.review()
    phone.send()  # STATE may be read before the last piece of APPLY is written
    phone.page.wait("/Trying the Wi-Fi.*The device joins/.test(document.querySelector('.happening .now')?.textContent)")
    assert phone.page.text().count("The device joins the Wi-Fi") == 2, "at the step that it belongs to, and read out"
    phone.push(phone.device.release())
    phone.see("saved")
