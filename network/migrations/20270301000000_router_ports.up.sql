-- Whose interface or gateway a port is. Its device only tells so, and users write that: a port that
-- says so and is of another project than the router is not taken over.
ALTER TABLE network_ports ADD COLUMN router_id TEXT NOT NULL DEFAULT '';
UPDATE network_ports SET router_id = device_id
WHERE device_owner IN ('network:router_interface', 'network:router_gateway') AND EXISTS (
    SELECT 1 FROM network_routers AS r WHERE r.id = network_ports.device_id
    AND (r.gateway_port_id = network_ports.id OR (r.project_id = network_ports.project_id AND network_ports.device_owner = 'network:router_interface'))
);
CREATE INDEX network_ports_router ON network_ports (router_id) WHERE router_id <> '';
