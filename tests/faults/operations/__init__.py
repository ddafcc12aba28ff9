"""Operations under races, kills and faults: through real processes, on the practice cluster and on a real control plane."""
