namespace Kuguru;

/// <summary>An IP address and a UDP port; prints as <c>192.0.2.1[4500]</c>, as IPsec logs do.</summary>
public readonly record struct Endpoint(IpAddress Address, ushort Port)
{
    public override string ToString() => $"{Address}[{Port}]";
}

/// <summary>Where a datagram comes from and goes to, seen from this host.</summary>
public readonly record struct Path(Endpoint Local, Endpoint Remote)
{
    public override string ToString() => $"{Local}...{Remote}";
}
