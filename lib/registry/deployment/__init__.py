"""Edge: releases on the machine: their folders, the candidate, the switch from one to the next, and what a crash left."""
