"""Every setting of the program: one table, one frozen `Settings`, one reader of the environment.

A setting comes from its option on the command line, else from its ``B12FHIR_*`` variable, else
from the TOML file, else from its default. The table is the only list: the README's is printed from
it.
"""

from b12fhir.config.load import load
from b12fhir.config.row import Setting
from b12fhir.config.settings import Settings
from b12fhir.config.shown import shown
from b12fhir.config.table import SETTINGS, settings_table

__all__ = ["SETTINGS", "Setting", "Settings", "load", "settings_table", "shown"]
