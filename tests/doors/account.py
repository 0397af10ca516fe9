"""The Twilio account whose calls are taken here."""

SID, TOKEN, HOST = "AC" + "1" * 32, "f" * 32, "phone.example.com"
