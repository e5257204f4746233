-- Run once, when the container of docker-compose.yml starts with an empty volume.
create database registry;
