/** Has every server that a test starts answer through Express alone: they inherit the variable. */
process.env['KVS_NO_FAST_LANE'] = 'true';
