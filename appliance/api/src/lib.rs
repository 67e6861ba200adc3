//! What people and programs see: REST, WebSocket, the web page.
