namespace Kuguru;

/// <summary>
/// One UDP payload as it arrived, marker and all. The bytes belong to the shell and are only valid during the call:
/// what must be remembered is copied (<see cref="Blob.Copy"/>).
/// </summary>
public readonly ref struct Datagram(Path path, ReadOnlySpan<byte> bytes)
{
    public Path Path { get; } = path;
    public ReadOnlySpan<byte> Bytes { get; } = bytes;
}
