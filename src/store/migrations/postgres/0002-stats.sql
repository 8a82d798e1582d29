-- oldest code: 1
--
-- From an attempt accepted to its verdict, so that statistics need not open the documents.

alter table attempts add column took_ms bigint;

-- What other replicas see wrong, as JSON: the page shows it whichever of them it asks.
alter table replicas add column troubles text;
