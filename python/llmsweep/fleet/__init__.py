"""How many devices a service needs: one model at a rate of requests, or many models on a shared pool."""
