-- Devices on hosts are named by the last eleven digits of a port's id.
CREATE UNIQUE INDEX network_ports_tail ON network_ports (substr(id, 26));
