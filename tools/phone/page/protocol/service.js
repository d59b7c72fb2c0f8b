/** Where the protocol lives on the radio (specification, "BLE protocol"). */

export const SERVICE = "5704246a-5d4c-4f19-9b53-157d8824063d";
export const TX = "15ba8b82-df9a-46dc-865a-177a17ad9035"; // the device's messages, in notifications
export const RX = "20a62cd0-93ba-41e2-96b0-31b1aa131909"; // the phone's messages, in writes with response
export const STATE = "3a21768b-174a-41bc-8b25-b9c1ebfb7510";
export const INFO = "43c5e37d-b664-4b4a-aa33-032bbaf7133f";
