"""Edge: releases on the machine: folders, candidate, switch, recovery after a crash."""
