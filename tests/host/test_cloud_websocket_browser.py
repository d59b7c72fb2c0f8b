"""A page in a real browser opens a WebSocket to the local AWS IoT: it shows no certificate and no header of its own."""

import json

from tools.cloud import LocalCloud, client_packets

OPEN = """new Promise((resolve, reject) => {
  const socket = new WebSocket(%s, "mqtt");
  socket.binaryType = "arraybuffer";
  socket.onopen = () => socket.send(new Uint8Array(%s));
  socket.onmessage = ({data}) => { resolve([...new Uint8Array(data)]); socket.close(); };
  socket.onclose = ({code}) => reject(`closed with ${code}`);
})"""


def test_a_page_connects(browser, tmp_path):
    page = browser.page()
    page.call("Security.setIgnoreCertificateErrors", ignore=True)  # the person's part: to trust the root
    packet = json.dumps(list(client_packets.connect("page")))
    with LocalCloud(tmp_path, fast_keys=True) as cloud:
        assert page.evaluate(OPEN % (json.dumps(cloud.websocket_url()), packet)) == [0x20, 2, 0, 0]
    page.close()
