"""Trains as a course script does: torchvision's MNIST through a DataLoader.

Prints the seconds of training of each epoch. Not how tutorch trains: what it is measured against.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 # its usual name
from torch.utils.data import DataLoader


class Net9(nn.Module):
    """Lecture 9: fully connected."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [784, 512, 256, 128, 64, 10]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10)."""
        x = x.view(-1, 784)
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Net10(nn.Module):
    """Lecture 10: two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.fc = nn.Linear(320, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10)."""
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        return self.fc(x.view(x.size(0), -1))


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same shape as `x`."""
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


class Net11(nn.Module):
    """Lecture 11: ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=5)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=5)
        self.block1, self.block2 = Residual(16), Residual(32)
        self.fc = nn.Linear(512, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (N, 10)."""
        x = self.block1(F.max_pool2d(F.relu(self.conv1(x)), 2))
        x = self.block2(F.max_pool2d(F.relu(self.conv2(x)), 2))
        return self.fc(x.view(x.size(0), -1))


def lecture_5(device: str, epochs: int) -> None:
    """Three points, a line, and a look at the loss after each step."""
    x, y = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[2.0], [4.0], [6.0]])
    x, y, model = x.to(device), y.to(device), nn.Linear(1, 1).to(device)
    criterion = nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    begun = time.perf_counter()
    for _ in range(epochs):
        loss = criterion(model(x), y)
        loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    sys.stdout.write(f"{time.perf_counter() - begun}\n")


NETS = {"9": Net9, "10": Net10, "11": Net11}


def main(lecture: str, folder: Path, device: str, epochs: int) -> None:
    """Train; `folder` is laid out as torchvision keeps MNIST."""
    from torchvision import transforms
    from torchvision.datasets import MNIST

    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train = DataLoader(MNIST(str(folder), train=True, transform=transform), 64, shuffle=True)
    torch.manual_seed(0)
    model = NETS[lecture]().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    for _ in range(epochs):
        begun, running_loss = time.perf_counter(), 0.0
        for inputs, targets in train:
            optimizer.zero_grad()
            loss = criterion(model(inputs.to(device)), targets.to(device))
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        sys.stdout.write(f"{time.perf_counter() - begun}\n")


if __name__ == "__main__":
    if sys.argv[1] == "5":
        lecture_5(sys.argv[3], int(sys.argv[4]))
        raise SystemExit
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
