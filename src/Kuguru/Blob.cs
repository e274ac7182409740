namespace Kuguru;

/// <summary>
/// Immutable bytes with equality by content; prints as lower-case hex. Never for secrets: those are <c>Secret</c>.
/// The default value is empty. The constructor takes the array over, so its giver must not write to it again.
/// </summary>
public readonly struct Blob(ReadOnlyMemory<byte> bytes) : IEquatable<Blob>
{
    public static Blob Empty => default;

    public ReadOnlyMemory<byte> Memory { get; } = bytes;
    public ReadOnlySpan<byte> Span => Memory.Span;
    public int Length => Memory.Length;
    public bool IsEmpty => Memory.IsEmpty;

    public static Blob Copy(ReadOnlySpan<byte> bytes) => new(bytes.ToArray());
    public static Blob FromHex(string hex) => new(Convert.FromHexString(hex));
    public static implicit operator Blob(byte[] bytes) => new(bytes);
    public static implicit operator ReadOnlySpan<byte>(Blob blob) => blob.Span;

    public static bool operator ==(Blob a, Blob b) => a.Equals(b);
    public static bool operator !=(Blob a, Blob b) => !a.Equals(b);

    public bool Equals(Blob other) => Span.SequenceEqual(other.Span);
    public override bool Equals(object? obj) => obj is Blob other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    public byte[] ToArray() => Memory.ToArray();
    public override string ToString() => Convert.ToHexStringLower(Span);
}
