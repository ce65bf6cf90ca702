"""Edge: releases on the machine: folders, candidate, the switch from one to the next, what a crash left."""
